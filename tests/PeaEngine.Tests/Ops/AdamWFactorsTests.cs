namespace PeaEngine.Tests.Ops;

public class AdamWFactorsTests : OpTests<AdamWFactorsTests>, IOpCases
{
    /// <summary>What is not finite.</summary>
    public enum Bad { Nothing, Loss, LaterLoss, Square, Sum }

    public static IEnumerable<OpCase> Cases =>
    [
        // Below the limit and above it, with a scale and without; fewer squares than threads, as many, and more.
        .. from count in (int[])[1, 256, 300] from limit in (double[])[double.PositiveInfinity, 0.5] from scale in (double[])[1, 65536] select Case(count, scale, limit, Bad.Nothing),
        .. from bad in (Bad[])[Bad.Loss, Bad.LaterLoss, Bad.Square, Bad.Sum] select Case(300, 1024, 0.5, bad),
        Case(3, 1, 1e6, Bad.Nothing),
    ];

    // The step's factors are rounded to single precision.
    static OpCase Case(int count, double scale, double limit, Bad bad) => new($"{count}, scale {scale}, limit {limit}, bad {bad}", 1e-7, fenced =>
    {
        Tensor squares = fenced.Normal([count]), losses = fenced.OfDoubles([0.25, bad == Bad.Loss ? double.NaN : 0.5, bad == Bad.LaterLoss ? double.NegativeInfinity : 1]);
        foreach (ref var value in squares.AsSpan<float>()) value = value * value * (float)(scale * scale);
        if (bad == Bad.Square) squares.AsSpan<float>()[280] = float.NaN;
        if (bad == Bad.Sum) squares.AsSpan<float>()[count - 1] = float.PositiveInfinity;
        Tensor rates = fenced.OfDoubles([scale, limit, 0.9999, 31.6, 1e-3]), norm = fenced.New([2], DType.F64), step = fenced.New([5]);
        var length = Math.Sqrt(Fenced.Read(squares).Sum()) / scale;
        var moves = bad == Bad.Nothing;
        return new(() => fenced.Backend.AdamWFactors(squares, losses, rates, norm, step),
            (norm, [length, moves ? 1 : 0]), (step, [moves ? Math.Min(1, limit / (length + 1e-6)) / scale : 0, 0.9999f, 31.6f, 1e-3f, moves ? 1 : 0]));
    });
}
