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
        using var arena = new Arena(backend, Measure(backend, body));
        body(new Pass(backend, arena, cancellation));
    }

    /// <summary>The most bytes that <paramref name="body"/> would have in use at once.</summary>
    /// <param name="backend">Where it would be run: its activations have their type's size.</param>
    /// <param name="body">As in <see cref="Run"/>.</param>
    public static long Measure(Backend backend, Action<Pass> body)
    {
        ArgumentNullException.ThrowIfNull(backend);
        using var nothing = new NullBackend(backend.ActivationType);
        using var endless = new Arena(nothing, Unbounded);
        body(new Pass(nothing, endless));
        return endless.PeakBytes;
    }
}
