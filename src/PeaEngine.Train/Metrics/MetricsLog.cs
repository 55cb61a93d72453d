namespace PeaEngine.Train.Metrics;

/// <summary>A number of a step.</summary>
/// <param name="Name">Such as <c>loss</c>.</param>
/// <param name="Value">Its value; one that is not finite is written as null.</param>
public readonly record struct Metric(string Name, double Value);

/// <summary><c>metrics.jsonl</c>: an object a line, <c>step</c> first and counted from 1, each line in the file when <see cref="Write"/> returns.</summary>
public sealed class MetricsLog : IDisposable
{
    readonly FileStream file;

    MetricsLog(FileStream file, long last) => (this.file, Last) = (file, last);

    /// <summary>The step of the last line; 0 where there is none.</summary>
    public long Last { get; private set; }

    /// <summary>Opens a log to append to. Lines of later steps than the run goes on from, and one that was cut short, are taken out.</summary>
    /// <param name="path">The file; made if it is not there.</param>
    /// <param name="steps">Steps that were done; 0 begins anew.</param>
    /// <exception cref="PeaException">The file cannot be written.</exception>
    public static MetricsLog Open(string path, long steps)
    {
        FileStream? file = null;
        try
        {
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
            var (length, last) = UpTo(file, steps);
            file.SetLength(length);
            file.Position = length;
            return new(file, last);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            file?.Dispose();
            throw new PeaException($"{path}: cannot be written: {exception.Message.ReplaceLineEndings(" ")}", exception);
        }
    }

    /// <summary>One number of every line that has it and where it is finite, with the line's step, in the order of the file.</summary>
    /// <exception cref="PeaException">The file cannot be read.</exception>
    public IReadOnlyList<(long Step, double Value)> Read(string name)
    {
        var values = new List<(long, double)>();
        file.Position = 0;
        foreach (var (line, _) in Lines(file))
            if (MetricsLine.Parse(line) is { } parsed)
                values.AddRange(parsed.Metrics.Where(metric => metric.Name == name && double.IsFinite(metric.Value)).Select(metric => (parsed.Step, metric.Value)));
        file.Position = file.Length;
        return values;
    }

    /// <summary>Writes a step's line.</summary>
    /// <param name="step">Counted from 1.</param>
    /// <param name="metrics">Its numbers.</param>
    /// <exception cref="PeaException">The disk is full.</exception>
    public void Write(long step, params ReadOnlySpan<Metric> metrics)
    {
        byte[] line = [.. MetricsLine.Format(step, metrics), (byte)'\n'];
        try
        {
            file.Write(line);
            file.Flush();
            Last = step;
        }
        catch (IOException exception)
        {
            throw new PeaException($"{file.Name}: cannot be written: {exception.Message.ReplaceLineEndings(" ")}", exception);
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => file.Dispose();

    /// <summary>Where the last whole line of a step that was done ends, and which step that is.</summary>
    static (long Length, long Last) UpTo(FileStream file, long steps)
    {
        long length = 0, last = 0;
        foreach (var (line, end) in Lines(file))
        {
            if (MetricsLine.Parse(line) is not { } parsed || parsed.Step > steps) break;
            (length, last) = (end, parsed.Step);
        }
        return (length, last);
    }

    /// <summary>The lines that end, and where each does.</summary>
    static IEnumerable<(ReadOnlyMemory<byte> Line, long End)> Lines(FileStream file)
    {
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        for (var start = 0; Array.IndexOf(bytes, (byte)'\n', start) is >= 0 and var end; start = end + 1) yield return (bytes.AsMemory(start, end - start), end + 1);
    }
}
