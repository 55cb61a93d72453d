using System.Globalization;
using PeaEngine.Diffusion.Images;
using PeaEngine.Train.Metrics;

namespace PeaEngine.Perf.Gpu;

/// <summary>A bar of the report's picture: what a run's milliseconds go to.</summary>
/// <param name="Title">Model and device.</param>
/// <param name="Parts">Kernels or ops, with their milliseconds.</param>
sealed record ReportBar(string Title, IReadOnlyList<(string Name, double Ms)> Parts);

/// <summary>The report as a picture: a bar for each model, of the kernels that take most.</summary>
static class ReportPlot
{
    const int Width = 1200, Margin = 24, Scale = 2, BarHeight = 28, BarGap = 44, Line = 26, Swatch = 16;

    const string Others = "others";

    static readonly Rgb Ink = new(40, 40, 40), Rest = new(190, 190, 190);

    static readonly Rgb[] Colours =
        [new(23, 92, 163), new(214, 96, 24), new(56, 142, 60), new(142, 68, 173), new(200, 160, 30), new(192, 57, 43), new(22, 160, 133), new(110, 90, 70)];

    /// <summary>Draws bars below each other, all in one scale of shares: what matters is where the time goes.</summary>
    /// <param name="title">What is drawn.</param>
    /// <param name="bars">The bars.</param>
    public static PixelImage Draw(string title, IReadOnlyList<ReportBar> bars)
    {
        string[] names = [.. bars.SelectMany(bar => bar.Parts.Select(part => (part.Name, Share: part.Ms / bar.Parts.Sum(each => each.Ms)))).GroupBy(part => part.Name)
            .OrderByDescending(group => group.Sum(part => part.Share)).Take(Colours.Length).Select(group => group.Key)];
        var canvas = new Canvas(Width, 2 * Margin + Line + bars.Count * (BarHeight + BarGap) + (names.Length + 1) * Line);
        canvas.Text(Margin, Margin, Ascii(title), Ink, Scale);
        var top = Margin + Line + Margin / 2;
        foreach (var bar in bars)
        {
            var sum = bar.Parts.Sum(part => part.Ms);
            canvas.Text(Margin, top, Ascii(string.Create(CultureInfo.InvariantCulture, $"{bar.Title}: {sum:0.00} ms")), Ink, Scale);
            var at = 0.0;
            foreach (var part in bar.Parts.GroupBy(part => Array.IndexOf(names, part.Name)).OrderBy(group => (uint)group.Key))
            {
                var (from, to) = (X(at / sum), X((at += part.Sum(each => each.Ms)) / sum));
                Fill(canvas, from, top + Line - 4, to - from, BarHeight, part.Key < 0 ? Rest : Colours[part.Key]);
            }
            top += BarHeight + BarGap;
        }
        foreach (var (name, colour) in names.Zip(Colours).Append((Others, Rest)))
        {
            Fill(canvas, Margin, top, Swatch, Swatch, colour);
            canvas.Text(Margin + Line, top, Ascii(name), Ink, Scale);
            top += Line;
        }
        return canvas.Picture;
    }

    static int X(double share) => Margin + (int)Math.Round(share * (Width - 2 * Margin));

    static void Fill(Canvas canvas, int left, int top, int width, int height, Rgb colour)
    {
        for (var y = top; y < top + height && width > 0; y++) canvas.Line(left, y, left + width - 1, y, colour);
    }

    /// <summary>The font has no other characters.</summary>
    static string Ascii(string text) => text.Replace("²", "^2", StringComparison.Ordinal);
}
