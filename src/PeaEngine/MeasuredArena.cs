using PeaEngine.Backends;

namespace PeaEngine;

/// <summary>Gives a run exactly the memory it needs: the same code goes first over a <see cref="NullBackend"/>, whose arena measures.</summary>
public static class MeasuredArena
{
    const long Unbounded = 1L << 50;

    /// <summary>Runs <paramref name="body"/> twice: to measure, and for real.</summary>
    /// <param name="backend">Where it is run for real.</param>
    /// <param name="body">Reads no tensor's content to decide what it does.</param>
    /// <param name="cancellation">Of the real run's pass.</param>
    public static void Run(Backend backend, Action<Pass> body, CancellationToken cancellation)
    {
        using var arena = new Arena(backend, Measure(body));
        body(new Pass(backend, arena, cancellation));
    }

    /// <summary>The most bytes that <paramref name="body"/> has in use at once.</summary>
    public static long Measure(Action<Pass> body)
    {
        using var nothing = new NullBackend();
        using var endless = new Arena(nothing, Unbounded);
        body(new Pass(nothing, endless));
        return endless.PeakBytes;
    }
}
