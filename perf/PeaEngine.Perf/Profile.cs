using System.Diagnostics;
using System.Globalization;
using PeaEngine.Backends;

namespace PeaEngine.Perf;

/// <summary>Where one run of a benchmark goes, op by op and shape by shape.</summary>
static class Profile
{
    const int Rows = 40;

    public static void Print(CpuBackend backend, IBenchmark benchmark)
    {
        using var profiled = new ProfiledBackend(backend);
        using var room = new Room(profiled, backend.Threads);
        var run = benchmark.Set(room);
        run();
        profiled.Reset();
        var start = Stopwatch.GetTimestamp();
        run();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{benchmark.Op}: {Stopwatch.GetElapsedTime(start).TotalSeconds:0.000} s"));
        foreach (var (op, shape, calls, seconds, flops) in profiled.Times.Take(Rows))
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{op,-18} {shape,-60} {calls,5} {seconds * 1e3,10:0.0} ms {flops / seconds * 1e-9,8:0.0} GFLOP/s"));
    }
}
