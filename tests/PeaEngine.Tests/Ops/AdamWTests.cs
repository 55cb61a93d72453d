namespace PeaEngine.Tests.Ops;

public class AdamWTests : OpTests<AdamWTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
        from count in (int[])[1, 33, 20_001]
        from step in (AdamWStep[])[new(1e-3, 0.9, 0.999, 1e-8, 0.01, 0.1, 0.001), new(0.3, 0.8, 0.95, 1e-3, 0.2, 1 - Math.Pow(0.8, 7), 1 - Math.Pow(0.95, 7), 0.37), new(0, 0.9, 0.999, 1e-8, 0.1, 0.1, 0.001)]
        select Case(count, step);

    // A dozen roundings of single precision.
    static OpCase Case(int count, AdamWStep step) => new($"{count}, {step}", 2e-6, fenced =>
    {
        Tensor parameter = fenced.Normal([count]), gradient = fenced.Normal([count]), m = fenced.Normal([count], deviation: 0.3), v = fenced.Normal([count]);
        foreach (ref var value in v.AsSpan<float>()) value *= value;
        double[] p = Fenced.Read(parameter), g = Fenced.Read(gradient), means = Fenced.Read(m), squares = Fenced.Read(v);
        for (var i = 0; i < count; i++)
        {
            g[i] *= step.GradientScale;
            means[i] = step.Beta1 * means[i] + (1 - step.Beta1) * g[i];
            squares[i] = step.Beta2 * squares[i] + (1 - step.Beta2) * g[i] * g[i];
            p[i] -= step.LearningRate * step.WeightDecay * p[i];
            p[i] -= step.LearningRate / step.BiasCorrection1 * means[i] / (Math.Sqrt(squares[i]) / Math.Sqrt(step.BiasCorrection2) + step.Epsilon);
        }
        return new(() => fenced.Backend.AdamW(parameter, gradient, m, v, step), (parameter, p), (m, means), (v, squares));
    });

    /// <summary>Three steps of torch.optim.AdamW(lr=0.1, betas=(0.9, 0.99), eps=1e-6, weight_decay=0.1) from p = 1, −2, 0.5 with gradients (0.5, −1, 0)·t.</summary>
    [Fact]
    public void GoesWhereTorchGoes()
    {
        using var fenced = new Fenced(new(1));
        Tensor parameter = fenced.Of([3], [1, -2, 0.5f]), m = fenced.Of([3], [0, 0, 0]), v = fenced.Of([3], [0, 0, 0]);
        for (var t = 1; t <= 3; t++)
            fenced.Backend.AdamW(parameter, fenced.Of([3], [0.5f * t, -t, 0]), m, v, new(0.1, 0.9, 0.99, 1e-6, 0.1, 1 - Math.Pow(0.9, t), 1 - Math.Pow(0.99, t)));
        float[] expected = [0.681312442f, -1.65161121f, 0.485149533f];
        for (var i = 0; i < 3; i++) Assert.Equal(expected[i], parameter.AsSpan<float>()[i], 1e-6f);
    }
}
