using PeaEngine.Backends;
using PeaEngine.Cuda;

namespace PeaEngine.Perf.Gpu;

/// <summary>Milliseconds of some work, run after run.</summary>
/// <param name="Median">The median.</param>
/// <param name="Least">The shortest.</param>
/// <param name="Most">The longest.</param>
readonly record struct Spread(double Median, double Least, double Most)
{
    public static Spread Of(double[] ms)
    {
        Array.Sort(ms);
        return new((ms[(ms.Length - 1) / 2] + ms[ms.Length / 2]) / 2, ms[0], ms[^1]);
    }
}

/// <summary>
/// Times work between two events in a backend's stream. Before each run a block of twice the second-level cache is written, so that the work finds nothing of its own there; some runs before the first are not counted.
/// </summary>
sealed class GpuClock : IDisposable
{
    const int WarmRuns = 3, Caches = 2, LeastBytes = 1 << 20;

    readonly CudaStream stream;
    readonly DeviceBuffer cache;
    readonly CudaEvent[] begin, end;

    public GpuClock(CudaContext context, CudaBackend backend, int repeats)
    {
        stream = backend.Stream;
        cache = stream.Allocate(Math.Max(LeastBytes, Caches * (long)context.Device.CacheBytes));
        CudaEvent[] Events() => [.. Enumerable.Range(0, repeats).Select(_ => new CudaEvent(context, timed: true))];
        (begin, end) = (Events(), Events());
    }

    public Spread Time(Action work)
    {
        for (var i = 0; i < WarmRuns; i++) work();
        for (var i = 0; i < begin.Length; i++)
        {
            stream.Fill(cache.Address, (byte)i, cache.Bytes);
            stream.Record(begin[i]);
            work();
            stream.Record(end[i]);
        }
        stream.Synchronize();
        return Spread.Of([.. begin.Zip(end, (first, last) => (double)last.ElapsedMs(first))]);
    }

    public void Dispose()
    {
        foreach (var mark in begin.Concat(end)) mark.Dispose();
        cache.Dispose();
    }
}
