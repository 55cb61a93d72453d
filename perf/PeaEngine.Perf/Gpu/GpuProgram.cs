using PeaEngine.Backends;
using PeaEngine.Cuda;
using PeaEngine.Diffusion.Images;

namespace PeaEngine.Perf.Gpu;

/// <summary>The suite for GPUs, which <c>pea perf</c> runs.</summary>
static class GpuProgram
{
    const string Usage = "expected [MODEL…] [--device cuda:N] [--output FILE] [--png FILE], without a GPU or with --static also [--shapes] [--no-library], or --count";

    public static int Run(IReadOnlyList<string> arguments, TextWriter output, TextWriter error)
    {
        var chosen = new List<GpuModel>();
        var (library, shapes, onPaper, count, ordinal, jsonl, png) = (true, false, false, false, 0, (string?)null, (string?)null);
        for (var i = 0; i < arguments.Count; i++)
            switch (arguments[i])
            {
                case "--no-library": library = false; break;
                case "--shapes": shapes = true; break;
                case "--static": onPaper = true; break;
                case "--count": count = true; break;
                case "--output" when i + 1 < arguments.Count: jsonl = arguments[++i]; break;
                case "--png" when i + 1 < arguments.Count: png = arguments[++i]; break;
                case "--device" when i + 1 < arguments.Count && CudaDevices.Ordinal(arguments[i + 1]) is { } number: (ordinal, i) = (number, i + 1); break;
                case var name:
                    if (GpuModel.All.FirstOrDefault(model => model.Name == name) is not { } found)
                    {
                        error.WriteLine($"'{name}': {Usage}; models are {string.Join(", ", GpuModel.All.Select(model => model.Name))}");
                        return 2;
                    }
                    chosen.Add(found);
                    break;
            }
        IReadOnlyList<GpuModel> models = chosen.Count > 0 ? chosen : GpuModel.All;
        try
        {
            if (count) return Count(error);
            if (!onPaper && Open(ordinal, error) is { } context) Measure(context, models, output, jsonl, png);
            else StaticReport.Write(output, KernelFacts.Load(), models, library, shapes, png);
            return 0;
        }
        catch (PeaException e)
        {
            error.WriteLine($"perf: {e.Message.ReplaceLineEndings(" ")}");
            return 1;
        }
    }

    /// <summary>Draws a report.</summary>
    public static void Draw(string path, string title, IReadOnlyList<ReportBar> bars)
    {
        using var file = File.Create(path);
        PngWriter.Write(file, ReportPlot.Draw(title, bars));
    }

    /// <summary>The device, or null: there is none, and why is said.</summary>
    static CudaContext? Open(int ordinal, TextWriter error)
    {
        try
        {
            return new CudaContext(CudaLibraries.Find(), ordinal);
        }
        catch (CudaException e)
        {
            error.WriteLine(e.Message.ReplaceLineEndings(" "));
            return null;
        }
    }

    /// <summary>The version of CUDA that the driver is made for.</summary>
    static unsafe string Driver(CudaContext context)
    {
        int version;
        context.Check(context.Driver.cuDriverGetVersion(&version), nameof(context.Driver.cuDriverGetVersion));
        return $"CUDA {version / 1000}.{version % 1000 / 10}";
    }

    static void Measure(CudaContext context, IReadOnlyList<GpuModel> models, TextWriter output, string? path, string? png)
    {
        using var backend = new CudaBackend(context, DType.F16);
        using var clock = new GpuClock(context, backend, GpuSuite.Repeats);
        using var report = new GpuReport(output, path, context.Device, Driver(context), DevicePeaks.Measure(context, backend, clock));
        var bars = new List<ReportBar>();
        foreach (var model in models)
        {
            var timed = GpuSuite.Measure(context, backend, clock, model);
            report.Add(timed);
            bars.Add(new($"{model.Title}, {context.Device.Name}", [.. timed.Ops.GroupBy(op => op.Call.Op).Select(group => (group.Key, group.Sum(op => op.Calls * op.Ms.Median)))]));
        }
        output.WriteLine($"\nwritten to {report.Path}");
        if (png != null) Draw(png, "ops timed one by one, milliseconds of a run", bars);
    }

    /// <summary>Compiles and counts what has changed, for the file that the next build has.</summary>
    static int Count(TextWriter error)
    {
        if (NvrtcCompiler.Find() is not { } compiler) throw new PeaException("there is no NVRTC here, expected it to compile the kernels with; 'pea doctor' shows where it was looked for");
        var path = Path.Combine(Machine.Root, "perf", "PeaEngine.Perf", "Gpu", KernelFacts.FileName);
        FactsWriter.Collect(compiler, KernelFacts.Load(), error.WriteLine).Write(path);
        error.WriteLine($"written to {path}; it is part of the next build");
        return 0;
    }
}
