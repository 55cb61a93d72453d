using System.Globalization;
using System.Text;
using PeaEngine.Diffusion.Images;
using PeaEngine.Train.Plots;

namespace PeaEngine.Train.Evaluation;

/// <summary>An evaluation as a table: a column for each language and their mean; for each split a row, and one with what the reference's own adapter has.</summary>
public sealed class EvaluationTable
{
    const int Scale = 2, Padding = 8, Gap = 3;
    const int Paper = 0xFFFFFF, Ink = 0x202020, Pale = 0x808080, Rule = 0xC0C0C0;

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
        int letter = BitmapFont.Advance * Scale, line = BitmapFont.Height * Scale + 2 * Padding;
        var image = new PixelImage(widths.Sum(width => width + Gap) * letter - Gap * letter + 4 * Padding, rows.Count * line + 2 * Padding);
        image.Fill(0, 0, image.Width, image.Height, Paper);
        for (var i = 0; i < rows.Count; i++)
        {
            int x = 2 * Padding, y = Padding + i * line;
            if (!rows[i].IsReference && i > 0) image.Fill(Padding, y, image.Width - 2 * Padding, 1, Rule);
            for (var column = 0; column < widths.Length; column++)
            {
                var cell = rows[i].Cells[column];
                var indent = column == 0 ? 0 : widths[column] - cell.Length;
                BitmapFont.Draw(image, x + indent * letter, y + Padding, cell, rows[i].IsReference ? Pale : Ink, Scale);
                x += (widths[column] + Gap) * letter;
            }
        }
        return image;
    }

    static IEnumerable<string> Cells(SplitDistances split) => split.Distances.Append(split.Mean).Select(value => value.ToString("0.0000", CultureInfo.InvariantCulture));

    sealed record Row(string[] Cells, bool IsReference);
}
