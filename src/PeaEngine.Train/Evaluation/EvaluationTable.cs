using System.Globalization;
using System.Text;
using PeaEngine.Diffusion.Images;
using PeaEngine.Train.Metrics;

namespace PeaEngine.Train.Evaluation;

/// <summary>An evaluation as a table: a column for each language and their mean; for each split a row, and one with what the reference's own adapter has.</summary>
public sealed class EvaluationTable
{
    const int Scale = 2, Padding = 8, Gap = 24;

    static readonly Rgb Ink = new(40, 40, 40), Pale = new(128, 128, 128), Rule = new(200, 200, 200);

    readonly List<Row> rows = [];
    readonly int[] widths;

    /// <summary>Lays it out.</summary>
    public EvaluationTable(EvaluationResult result, EvaluationReference reference)
    {
        ArgumentNullException.ThrowIfNull(result);
        ArgumentNullException.ThrowIfNull(reference);
        rows.Add(new(["distance", .. result.Languages, "mean"], IsReference: false));
        foreach (var split in result.Splits)
        {
            rows.Add(new([split.Name, .. Cells(split)], IsReference: false));
            var keys = result.Languages.Select(language => EvaluationResult.Key(split.Name, language)).ToArray();
            if (keys.All(reference.Distances.ContainsKey))
                rows.Add(new(["  reference", .. Cells(new(split.Name, [.. keys.Select(key => reference.Distances[key])]))], IsReference: true));
        }
        widths = [.. rows[0].Cells.Select((_, column) => rows.Max(row => row.Cells[column].Length))];
    }

    /// <summary>Lines of text, names to the left and numbers to the right.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        foreach (var row in rows)
            text.AppendLine(string.Join("  ", row.Cells.Select((cell, column) => column == 0 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]))).TrimEnd());
        return text.ToString();
    }

    /// <summary>The same as a picture.</summary>
    public PixelImage Draw()
    {
        var extents = rows[0].Cells.Select((_, column) => rows.Max(row => Canvas.WidthOf(row.Cells[column], Scale))).ToArray();
        int line = BitmapFont.Height * Scale + 2 * Padding, width = extents.Sum() + (extents.Length - 1) * Gap + 4 * Padding;
        var canvas = new Canvas(width, rows.Count * line + 2 * Padding);
        for (var i = 0; i < rows.Count; i++)
        {
            int x = 2 * Padding, y = Padding + i * line;
            if (!rows[i].IsReference && i > 0) canvas.Line(Padding, y, width - Padding - 1, y, Rule);
            for (var column = 0; column < extents.Length; column++)
            {
                var cell = rows[i].Cells[column];
                canvas.Text(column == 0 ? x : x + extents[column] - Canvas.WidthOf(cell, Scale), y + Padding, cell, rows[i].IsReference ? Pale : Ink, Scale);
                x += extents[column] + Gap;
            }
        }
        return canvas.Picture;
    }

    static IEnumerable<string> Cells(SplitDistances split) => split.Distances.Append(split.Mean).Select(value => value.ToString("0.0000", CultureInfo.InvariantCulture));

    sealed record Row(string[] Cells, bool IsReference);
}
