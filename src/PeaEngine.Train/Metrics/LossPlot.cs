using System.Globalization;
using PeaEngine.Diffusion.Images;

namespace PeaEngine.Train.Metrics;

/// <summary>The curve of a training run: every step's value pale, their running mean over it, and where there is one the validation loss.</summary>
public static class LossPlot
{
    const int Width = 960, Height = 540, Left = 96, Right = 24, Top = 40, Bottom = 56, Scale = 2, Tick = 5;

    /// <summary>Steps that the running mean forgets over, as a share of the run.</summary>
    const double Memory = 0.02;

    static readonly Rgb Ink = new(40, 40, 40), Grid = new(228, 228, 228), Pale = new(176, 205, 235), Strong = new(23, 92, 163), Other = new(214, 96, 24);

    /// <summary>Draws a curve over its steps; values that are not finite are left out.</summary>
    /// <param name="title">What is drawn, in ASCII.</param>
    /// <param name="points">Steps in ascending order, with their values.</param>
    /// <param name="validation">The same of the validation loss, drawn as it is; null: none.</param>
    public static PixelImage Draw(string title, IReadOnlyList<(long Step, double Value)> points, IReadOnlyList<(long Step, double Value)>? validation = null)
    {
        var canvas = new Canvas(Width, Height);
        var above = (Top - BitmapFont.Height * Scale) / 2;
        canvas.Text(Left, above, title, Strong, Scale);
        canvas.Text((Left + Width - Right - Canvas.WidthOf("step", Scale)) / 2, Height - BitmapFont.Height * Scale - 6, "step", Ink, Scale);
        List<(double X, double Y)> drawn = Finite(points), mean = RunningMean(drawn), checks = Finite(validation ?? []);
        if (checks.Count > 0) canvas.Text(Left + Canvas.WidthOf(title + "  ", Scale), above, "validation", Other, Scale);
        var x = new PlotAxis(drawn.Count == 0 ? 0 : drawn[0].X, drawn.Count == 0 ? 1 : drawn[^1].X, Left, Width - Right);
        // The lowest and highest hundredth of single steps may leave the picture: one outlier would make a line of the rest.
        double[] sorted = [.. drawn.Select(point => point.Y).Order()], whole = [.. mean.Concat(checks).Select(point => point.Y)];
        var y = sorted.Length == 0 ? new PlotAxis(0, 1, Height - Bottom, Top)
            : new PlotAxis(Math.Min(sorted[sorted.Length / 100], whole.Min()), Math.Max(sorted[^(sorted.Length / 100 + 1)], whole.Max()), Height - Bottom, Top);
        Axes(canvas, x, y);
        Curve(canvas, x, y, drawn, Pale, 1);
        Curve(canvas, x, y, mean, Strong, 2);
        Curve(canvas, x, y, checks, Other, 2);
        return canvas.Picture;
    }

    static List<(double X, double Y)> Finite(IReadOnlyList<(long Step, double Value)> points) =>
        [.. points.Where(point => double.IsFinite(point.Value)).Select(point => ((double)point.Step, point.Value))];

    static List<(double X, double Y)> RunningMean(List<(double X, double Y)> points)
    {
        var mean = new List<(double, double)>(points.Count);
        double keep = Math.Exp(-1 / Math.Max(1, points.Count * Memory)), sum = 0, weight = 0;
        foreach (var (x, y) in points)
        {
            sum = keep * sum + y;
            weight = keep * weight + 1;
            mean.Add((x, sum / weight));
        }
        return mean;
    }

    static void Axes(Canvas canvas, PlotAxis x, PlotAxis y)
    {
        foreach (var value in y.Ticks())
        {
            var (at, label) = (y.At(value), value.ToString("G6", CultureInfo.InvariantCulture));
            canvas.Line(Left, at, Width - Right, at, Grid);
            canvas.Text(Left - Tick - 4 - Canvas.WidthOf(label, Scale), at - BitmapFont.Height * Scale / 2, label, Ink, Scale);
            canvas.Line(Left - Tick, at, Left, at, Ink);
        }
        foreach (var value in x.Ticks())
        {
            var (at, label) = (x.At(value), value.ToString("G10", CultureInfo.InvariantCulture));
            canvas.Line(at, Top, at, Height - Bottom, Grid);
            canvas.Text(at - Canvas.WidthOf(label, Scale) / 2, Height - Bottom + Tick + 4, label, Ink, Scale);
            canvas.Line(at, Height - Bottom, at, Height - Bottom + Tick, Ink);
        }
        canvas.Line(Left, Top, Left, Height - Bottom, Ink);
        canvas.Line(Left, Height - Bottom, Width - Right, Height - Bottom, Ink);
    }

    static void Curve(Canvas canvas, PlotAxis x, PlotAxis y, List<(double X, double Y)> points, Rgb colour, int width)
    {
        for (var i = 0; i < points.Count; i++)
        {
            var (from, to) = (points[Math.Max(0, i - 1)], points[i]);
            canvas.Line(x.At(from.X), y.At(from.Y), x.At(to.X), y.At(to.Y), colour, width);
        }
    }
}
