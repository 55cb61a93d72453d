using System.Text.Json;
using PeaEngine.Backends;
using PeaEngine.Perf;
using PeaEngine.Perf.Gpu;
using PeaEngine.Tests.Cuda;

namespace PeaEngine.Tests.Perf;

/// <summary>The perf suite's timing, on whatever device tests run on: on a virtual one the times mean nothing, all else is the same.</summary>
public class CudaSuiteTests
{
    [NvrtcFact]
    public void TimesOpsAndRunsAndWritesALineForEach()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "results.jsonl");
        using var context = CudaTestDevice.Open();
        using var backend = new CudaBackend(context, DType.F16);
        using var clock = new GpuClock(context, backend, repeats: 3);
        var output = new StringWriter();
        var peaks = DevicePeaks.Measure(context, backend, clock, steps: 2, copyBytes: 1 << 16);
        Assert.True(peaks.Flops > 0 && peaks.Bandwidth > 0);
        var work = new Work();
        var timed = GpuSuite.Measure(context, backend, clock, new("small", "something small", work));
        using (var report = new GpuReport(output, path, context.Device, "CUDA 0.0", peaks)) report.Add(timed);

        var product = timed.Ops.Single(op => op.Call.Op == "linear");
        Assert.Equal((2, 2.0 * 64 * 64 * 32), (product.Calls, product.Call.Flops));
        Assert.True(product.Ms.Least > 0 && product.Ms.Least <= product.Ms.Median && product.Ms.Median <= product.Ms.Most);
        Assert.True(product.OwnMs > 0 && product.LibraryMs > 0);
        var gated = timed.Ops.Single(op => op.Call.Op == "geglu");
        Assert.True(gated.LibraryMs > 0 && gated.OwnMs == null);
        Assert.Equal(2 * product.Call.Flops + gated.Call.Flops, timed.Flops);
        Assert.True(timed.Ms.Median > 0);
        // Timing an op repeats it: what the model computes stays what it is.
        Assert.All(work.Results, result => Assert.Equal(work.Results[0], result));

        var lines = File.ReadAllLines(path).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(3, lines.Count);
        Assert.All(lines, line => Assert.True(line.GetProperty("ms").GetDouble() > 0 && line.GetProperty("device").GetString() == context.Device.Name && line.GetProperty("commit").GetString()!.Length > 0));
        Assert.Single(lines, line => !line.TryGetProperty("op", out _));
        Assert.Contains("| linear [1,64,32] [64,32] | 2 |", output.ToString(), StringComparison.Ordinal);
    }

    /// <summary>What waits for the device cannot be recorded, and is timed op by op.</summary>
    [NvrtcFact]
    public void ARunThatWaitsIsTimedWithoutAGraph()
    {
        using var context = CudaTestDevice.Open();
        using var backend = new CudaBackend(context, DType.F16);
        using var clock = new GpuClock(context, backend, repeats: 3);
        var model = new GpuModel("small", "something small", new Work { Waits = true });
        Assert.True(GpuSuite.Measure(context, backend, clock, model with { IsRecorded = false }).Ms.Median > 0);
        Assert.Contains("download", Assert.ThrowsAny<PeaException>(() => GpuSuite.Measure(context, backend, clock, model)).Message, StringComparison.Ordinal);
    }

    /// <summary>Two products and a gated one.</summary>
    sealed class Work : IBenchmark
    {
        public bool Waits { get; init; }

        public List<float[]> Results { get; } = [];

        public string Op => "small";

        public IReadOnlyList<(string, int)> Arguments => [];

        public double Flops => 0;

        public double Bytes => 0;

        public Action Set(Room room)
        {
            const DType Type = DType.F16;
            Tensor x = room.New([1, 64, 32], dtype: Type), weight = room.New([64, 32], dtype: Type), gates = room.New([64, 64], dtype: Type), y = room.Empty([1, 64, 64], Type), z = room.Empty([1, 64, 32], Type);
            void Run()
            {
                room.Backend.Linear(x, weight, null, y);
                room.Backend.Linear(x, weight, null, y);
                room.Backend.Geglu(y, gates, null, z);
                if (Waits) room.Backend.Download(z, new float[z.Elements]);
            }
            Run();
            var result = new float[z.Elements];
            room.Backend.Download(z, result);
            Results.Add(result);
            return Run;
        }
    }
}
