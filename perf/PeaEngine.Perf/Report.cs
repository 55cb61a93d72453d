using System.Globalization;
using System.Text;
using System.Text.Json;
using PeaEngine.Backends;

namespace PeaEngine.Perf;

/// <summary>A line on the screen and a line of JSON for every measurement.</summary>
sealed class Report : IDisposable
{
    const string Row = "{0,-20} {1,-52} {2,10} {3,9} {4,8} {5,7} {6,10} {7,7} {8,9}";

    readonly StreamWriter file;
    readonly CpuBackend backend;
    readonly TorchRival? rival;
    readonly DateTime date = DateTime.UtcNow;

    public Report(string? output, CpuBackend backend, TorchRival? rival)
    {
        (this.backend, this.rival) = (backend, rival);
        Path = output ?? System.IO.Path.Combine(Machine.Root, "perf", "results", $"{date:yyyy-MM-dd}-{Machine.Slug(Machine.Cpu)}.jsonl");
        if (System.IO.Path.GetDirectoryName(Path) is { Length: > 0 } folder) Directory.CreateDirectory(folder);
        file = new StreamWriter(Path, append: true) { AutoFlush = true };
        Console.WriteLine(Format(Row, "op", "shape", "ms", "GFLOP/s", "GB/s", "% peak", "torch ms", "ratio", "peak MiB"));
    }

    /// <summary>Where the JSON lines go.</summary>
    public string Path { get; }

    public void Add(Measurement m)
    {
        var (flops, bytes) = (m.Benchmark.Flops / m.Seconds * 1e-9, m.Benchmark.Bytes / m.Seconds * 1e-9);
        var ratio = m.TorchSeconds / m.Seconds;
        var shape = string.Join(' ', m.Benchmark.Arguments.Select(argument => $"{argument.Name}={argument.Value}"));
        Console.WriteLine(Format(Row, m.Benchmark.Op, shape, Number(m.Seconds * 1e3, "0.000"), Number(flops, "0.0"), Number(bytes, "0.0"),
            Number(100 * flops / m.Peak, "0.0"), m.TorchSeconds is { } torch ? Number(torch * 1e3, "0.000") : m.Note.Length > 0 ? "none" : "", ratio is { } value ? Number(value, "0.00") : "",
            Number(m.Benchmark.PeakBytes / (double)(1 << 20), "0")));

        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("date", date);
            json.WriteString("commit", Machine.Commit);
            json.WriteString("cpu", Machine.Cpu);
            json.WriteString("isa", backend.Isa.ToString());
            json.WriteNumber("threads", backend.Threads);
            json.WriteString("op", m.Benchmark.Op);
            foreach (var (name, argument) in m.Benchmark.Arguments) json.WriteNumber(name, argument);
            json.WriteNumber("ms", Math.Round(m.Seconds * 1e3, 5));
            if (flops > 0) json.WriteNumber("gflops", Math.Round(flops, 2));
            if (bytes > 0) json.WriteNumber("gbytes_per_s", Math.Round(bytes, 2));
            if (m.Benchmark.PeakBytes > 0) json.WriteNumber("peak_resident_bytes", m.Benchmark.PeakBytes);
            json.WriteNumber("peak_gflops", Math.Round(m.Peak, 2));
            if (rival != null)
            {
                if (m.TorchSeconds is { } seconds) json.WriteNumber("torch_ms", Math.Round(seconds * 1e3, 5));
                if (ratio is { } quotient) json.WriteNumber("ratio", Math.Round(quotient, 3));
                json.WriteString("torch_note", m.Note);
                json.WriteString("torch", rival.Version);
                json.WriteString("torch_blas", rival.Blas);
                json.WriteString("torch_config", rival.Config);
            }
            json.WriteEndObject();
        }
        file.WriteLine(Encoding.UTF8.GetString(buffer.ToArray()));
    }

    public void Dispose() => file.Dispose();

    static string Number(double value, string format) => value > 0 ? value.ToString(format, CultureInfo.InvariantCulture) : "";

    static string Format(string format, params object?[] values) => string.Format(CultureInfo.InvariantCulture, format, values);
}
