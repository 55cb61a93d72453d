using System.Globalization;
using System.Text;
using PeaEngine.Train.Training;

namespace PeaEngine.Cli;

/// <summary>The memory of a training run as a table: a row for each size of pictures.</summary>
static class MemoryTable
{
    /// <summary>Its lines, in MiB.</summary>
    /// <param name="memory">What was measured.</param>
    /// <param name="recompute">Whether the run computes blocks again, which is what the total is of.</param>
    public static string Text(TrainingMemory memory, bool recompute)
    {
        string[][] rows =
        [
            ["MiB", "activations", "with recompute", "encoding", "weights", "optimizer", "total"],
            .. memory.Buckets.Select(bucket => (string[])[$"{bucket.Size.Width}x{bucket.Size.Height}",
                .. new[] { bucket.Activations, bucket.Recomputed, bucket.Encoding, memory.Weights, memory.Trained, memory.Total(bucket, recompute) }.Select(MiB)]),
        ];
        var widths = rows[0].Select((_, column) => rows.Max(row => row[column].Length)).ToArray();
        var text = new StringBuilder();
        foreach (var row in rows) text.AppendLine(string.Join("  ", row.Select((cell, column) => column == 0 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]))));
        return text.ToString();
    }

    static string MiB(long bytes) => (bytes / (double)(1 << 20)).ToString("0.0", CultureInfo.InvariantCulture);
}
