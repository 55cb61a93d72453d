namespace PeaEngine.Tests.Ops;

public class AdamWTests : OpTests<AdamWTests>, IOpCases
{
    /// <summary>Factor, keep, root, size and mark of the first step, of the seventh with other rates, of one with a rate of 0, and of one that moves nothing.</summary>
    static readonly (float[] Step, AdamWSettings Settings)[] Steps =
    [
        (Step(1e-3, 0.01, 0.1, 0.001), new(0.9, 0.999, 1e-8)),
        (Step(0.3, 0.2, 1 - Math.Pow(0.8, 7), 1 - Math.Pow(0.95, 7), 0.37), new(0.8, 0.95, 1e-3, 0.7)),
        (Step(0, 0.1, 0.1, 0.001), new(0.9, 0.999, 1e-8, 0.999)),
        ([0, 0.5f, 2, 3, 0], new(0.9, 0.999, 1e-8, 0.9)),
    ];

    public static IEnumerable<OpCase> Cases => from count in (int[])[1, 33, 20_001] from step in Enumerable.Range(0, Steps.Length) select Case(count, step);

    // A dozen roundings of single precision.
    static OpCase Case(int count, int index) => new($"{count}, step {index}", 2e-6, fenced =>
    {
        var (step, settings) = Steps[index];
        Tensor parameter = fenced.Normal([count]), gradient = fenced.Normal([count]), m = fenced.Normal([count], deviation: 0.3), v = fenced.Normal([count]), factors = fenced.Of([5], step);
        Tensor? average = settings.AverageDecay == 0 ? null : fenced.Normal([count]);
        foreach (ref var value in v.AsSpan<float>()) value *= value;
        double[] p = Fenced.Read(parameter), g = Fenced.Read(gradient), means = Fenced.Read(m), squares = Fenced.Read(v), a = average is { } running ? Fenced.Read(running) : new double[count];
        for (var i = 0; step[4] != 0 && i < count; i++)
        {
            g[i] *= step[0];
            means[i] = settings.Beta1 * means[i] + (1 - settings.Beta1) * g[i];
            squares[i] = settings.Beta2 * squares[i] + (1 - settings.Beta2) * g[i] * g[i];
            p[i] = step[1] * p[i] - step[3] * means[i] / (Math.Sqrt(squares[i]) * step[2] + settings.Epsilon);
            a[i] = settings.AverageDecay * a[i] + (1 - settings.AverageDecay) * p[i];
        }
        return new(() => fenced.Backend.AdamW(parameter, gradient, m, v, average, factors, settings),
            [(parameter, p), (m, means), (v, squares), .. average is { } tensor ? [(tensor, a)] : ((Tensor, double[])[])[]]);
    });

    /// <summary>Not even a zero's sign.</summary>
    [Fact]
    public void AStepThatMovesNothingChangesNoBit()
    {
        using var fenced = new Fenced(new(1));
        float[] values = [-0f, float.NaN, 1e-42f, 1];
        Tensor[] tensors = [.. Enumerable.Range(0, 4).Select(_ => fenced.Of([4], values))];
        fenced.Backend.AdamW(tensors[0], fenced.Of([4], [float.NaN, 1, 2, 3]), tensors[1], tensors[2], tensors[3], fenced.Of([5], Steps[3].Step), Steps[3].Settings);
        foreach (var tensor in tensors) Assert.Equal(values.Select(BitConverter.SingleToUInt32Bits), tensor.AsSpan<uint>().ToArray());
    }

    /// <summary>Three steps of torch.optim.AdamW(lr=0.1, betas=(0.9, 0.99), eps=1e-6, weight_decay=0.1) from p = 1, −2, 0.5 with gradients (0.5, −1, 0)·t.</summary>
    [Fact]
    public void GoesWhereTorchGoes()
    {
        using var fenced = new Fenced(new(1));
        Tensor parameter = fenced.Of([3], [1, -2, 0.5f]), m = fenced.Of([3], [0, 0, 0]), v = fenced.Of([3], [0, 0, 0]);
        for (var t = 1; t <= 3; t++)
            fenced.Backend.AdamW(parameter, fenced.Of([3], [0.5f * t, -t, 0]), m, v, null, fenced.Of([5], Step(0.1, 0.1, 1 - Math.Pow(0.9, t), 1 - Math.Pow(0.99, t))), new(0.9, 0.99, 1e-6));
        float[] expected = [0.681312442f, -1.65161121f, 0.485149533f];
        for (var i = 0; i < 3; i++) Assert.Equal(expected[i], parameter.AsSpan<float>()[i], 1e-6f);
    }

    static float[] Step(double rate, double decay, double correction1, double correction2, double factor = 1) =>
        [(float)factor, (float)(1 - rate * decay), (float)(1 / Math.Sqrt(correction2)), (float)(rate / correction1), 1];
}
