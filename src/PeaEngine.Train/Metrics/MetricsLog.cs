using System.Text.Json;

namespace PeaEngine.Train.Metrics;

/// <summary>A number of a step.</summary>
/// <param name="Name">Such as <c>loss</c>.</param>
/// <param name="Value">Its value; one that is not finite is written as null.</param>
public readonly record struct Metric(string Name, double Value);

/// <summary><c>metrics.jsonl</c>: an object a line, <c>step</c> first and counted from 1, each line in the file when <see cref="Write"/> returns.</summary>
public sealed class MetricsLog : IDisposable
{
    readonly FileStream file;

    MetricsLog(FileStream file) => this.file = file;

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
            file.SetLength(LengthUpTo(file, steps));
            file.Position = file.Length;
            return new(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            file?.Dispose();
            throw new PeaException($"{path}: cannot be written: {exception.Message.ReplaceLineEndings(" ")}", exception);
        }
    }

    /// <summary>One number of every line that has it, with the line's step, in the order of the file.</summary>
    /// <exception cref="PeaException">The file cannot be read.</exception>
    public IReadOnlyList<(long Step, double Value)> Read(string name)
    {
        var values = new List<(long, double)>();
        file.Position = 0;
        foreach (var (line, _) in Lines(file))
            if (Parse(line) is { } json && json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number) values.Add((json.GetProperty("step").GetInt64(), value.GetDouble()));
        file.Position = file.Length;
        return values;
    }

    /// <summary>Writes a step's line.</summary>
    /// <param name="step">Counted from 1.</param>
    /// <param name="metrics">Its numbers.</param>
    /// <exception cref="PeaException">The disk is full.</exception>
    public void Write(long step, params ReadOnlySpan<Metric> metrics)
    {
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteNumber("step", step);
            foreach (var (name, value) in metrics)
                if (double.IsFinite(value)) json.WriteNumber(name, value);
                else json.WriteNull(name);
            json.WriteEndObject();
        }
        line.WriteByte((byte)'\n');
        try
        {
            file.Write(line.GetBuffer().AsSpan(0, (int)line.Length));
            file.Flush();
        }
        catch (IOException exception)
        {
            throw new PeaException($"{file.Name}: cannot be written: {exception.Message.ReplaceLineEndings(" ")}", exception);
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => file.Dispose();

    /// <summary>Where the last whole line of a step that was done ends.</summary>
    static long LengthUpTo(FileStream file, long steps)
    {
        long length = 0;
        foreach (var (line, end) in Lines(file))
        {
            if (Parse(line) is not { } json || json.GetProperty("step").GetInt64() > steps) break;
            length = end;
        }
        return length;
    }

    /// <summary>The lines that end, and where each does.</summary>
    static IEnumerable<(ReadOnlyMemory<byte> Line, long End)> Lines(FileStream file)
    {
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        for (var start = 0; Array.IndexOf(bytes, (byte)'\n', start) is >= 0 and var end; start = end + 1) yield return (bytes.AsMemory(start, end - start), end + 1);
    }

    /// <summary>A line's object, or null where it is none with a step.</summary>
    static JsonElement? Parse(ReadOnlyMemory<byte> line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var json = document.RootElement;
            return json.ValueKind == JsonValueKind.Object && json.TryGetProperty("step", out var step) && step.ValueKind == JsonValueKind.Number && step.TryGetInt64(out _) ? json.Clone() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
