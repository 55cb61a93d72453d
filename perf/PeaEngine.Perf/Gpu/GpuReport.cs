using System.Globalization;
using System.Text;
using System.Text.Json;
using PeaEngine.Cuda;

namespace PeaEngine.Perf.Gpu;

/// <summary>What was timed on a GPU: a table, and a line of JSON for each op and model.</summary>
sealed class GpuReport : IDisposable
{
    readonly TextWriter output;
    readonly StreamWriter file;
    readonly CudaDevice device;
    readonly string driver;
    readonly DevicePeaks peaks;
    readonly DateTime date = DateTime.UtcNow;

    public GpuReport(TextWriter output, string? path, CudaDevice device, string driver, DevicePeaks peaks)
    {
        (this.output, this.device, this.driver, this.peaks) = (output, device, driver, peaks);
        Path = path ?? System.IO.Path.Combine(Machine.Root, "perf", "results", $"{date:yyyy-MM-dd}-{Machine.Slug(device.Name)}.jsonl");
        if (System.IO.Path.GetDirectoryName(Path) is { Length: > 0 } folder) Directory.CreateDirectory(folder);
        file = new StreamWriter(Path, append: true) { AutoFlush = true };
        output.WriteLine(Text($"{device.Name}, {device.Multiprocessors} multiprocessors, driver {driver}, commit {Machine.Commit}; measured peaks: {peaks.Flops * 1e-12:0} TFLOP/s by mma.sync, {peaks.Bandwidth * 1e-9:0} GB/s by a copy"));
    }

    /// <summary>Where the lines of JSON go.</summary>
    public string Path { get; }

    public void Add(TimedModel model)
    {
        output.WriteLine(Text($"\n{model.Model.Title}: {model.Ms.Median:0.000} ms ({model.Ms.Least:0.000} to {model.Ms.Most:0.000}), {Rate(model.Flops, model.Ms):0.0} TFLOP/s, {100 * Rate(model.Flops, model.Ms) * 1e12 / peaks.Flops:0.0} % of the measured peak\n"));
        output.WriteLine("| op | calls | ms | least to most | GB/s | TFLOP/s | % of peak | cuBLASLt ms | our own ms |");
        output.WriteLine("|---|--:|--:|--:|--:|--:|--:|--:|--:|");
        WriteLine(model, null);
        foreach (var op in model.Ops)
        {
            output.WriteLine(Text($"| {op.Call.Op} {op.Call.Shape} | {op.Calls} | {op.Ms.Median:0.0000} | {op.Ms.Least:0.0000} to {op.Ms.Most:0.0000} | {op.Call.Bytes / op.Ms.Median * 1e-6:0} | {Rate(op.Call.Flops, op.Ms):0.0} | {100 * Share(op):0.0} | {op.LibraryMs:0.0000} | {op.OwnMs:0.0000} |"));
            WriteLine(model, op);
        }
    }

    public void Dispose() => file.Dispose();

    /// <summary>Of the tensor cores for what computes, of the memory for what does not.</summary>
    double Share(TimedOp op) => op.Call.Flops > 0 ? Rate(op.Call.Flops, op.Ms) * 1e12 / peaks.Flops : op.Call.Bytes / (op.Ms.Median * 1e-3) / peaks.Bandwidth;

    void WriteLine(TimedModel model, TimedOp? op)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("date", date);
            json.WriteString("commit", Machine.Commit);
            json.WriteString("device", device.Name);
            json.WriteString("driver", driver);
            json.WriteNumber("peak_tflops", Math.Round(peaks.Flops * 1e-12, 2));
            json.WriteNumber("peak_gbytes_per_s", Math.Round(peaks.Bandwidth * 1e-9, 1));
            json.WriteString("model", model.Model.Name);
            var (ms, flops, bytes) = op == null ? (model.Ms, model.Flops, model.Bytes) : (op.Ms, op.Call.Flops, op.Call.Bytes);
            if (op != null)
            {
                json.WriteString("op", op.Call.Op);
                json.WriteString("shape", op.Call.Shape);
                json.WriteNumber("calls", op.Calls);
            }
            json.WriteNumber("ms", Math.Round(ms.Median, 6));
            json.WriteNumber("least_ms", Math.Round(ms.Least, 6));
            json.WriteNumber("most_ms", Math.Round(ms.Most, 6));
            json.WriteNumber("gbytes_per_s", Math.Round(bytes / ms.Median * 1e-6, 2));
            json.WriteNumber("tflops", Math.Round(Rate(flops, ms), 3));
            json.WriteNumber("peak_share", Math.Round(op == null ? Rate(flops, ms) * 1e12 / peaks.Flops : Share(op), 4));
            if (op?.LibraryMs is { } library) json.WriteNumber("cublaslt_ms", Math.Round(library, 6));
            if (op?.OwnMs is { } own) json.WriteNumber("own_ms", Math.Round(own, 6));
            json.WriteEndObject();
        }
        file.WriteLine(Encoding.UTF8.GetString(buffer.ToArray()));
    }

    /// <summary>In 10¹² a second.</summary>
    static double Rate(double flops, Spread ms) => flops / ms.Median * 1e-9;

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
