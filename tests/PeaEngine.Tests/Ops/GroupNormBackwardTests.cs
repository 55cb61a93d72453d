using NormShape = (int B, int H, int W, int C, int Groups);

namespace PeaEngine.Tests.Ops;

public class GroupNormBackwardTests : OpTests<GroupNormBackwardTests>, IOpCases
{
    const float Epsilon = 1e-6f;

    public static IEnumerable<OpCase> Cases =>
    [
        .. from shape in (NormShape[])[(1, 7, 9, 33, 11), (2, 16, 16, 320, 32), (1, 32, 33, 65, 5), (1, 8, 8, 1280, 32), (1, 33, 65, 32, 32), (3, 64, 64, 8, 1)]
           from silu in (bool[])[false, true]
           from mean in (double[])[0, 100]
           // Far from zero the digits of x itself are what is left of the deviations.
           select new OpCase($"{shape} silu {silu} mean {mean}", mean == 0 ? 3e-6 : 2e-5, fenced => Set(fenced, shape, silu, mean, parameters: true, differences: false)),
        new("frozen", 3e-6, fenced => Set(fenced, (2, 9, 40, 32, 4), silu: true, mean: 0, parameters: false, differences: false)),
        new("few channels", 3e-6, fenced => Set(fenced, (2, 3, 4, 32, 4), silu: true, mean: 0, parameters: false, differences: false)),
        // Two values or one have no gradient that the epsilon did not make, and nothing could be relative to it.
        .. from shape in (NormShape[])[(1, 1, 1, 9, 3), (2, 3, 5, 12, 4), (1, 2, 1, 33, 11), (3, 1, 3, 5, 1)]
           from silu in (bool[])[false, true]
           select new OpCase($"{shape} silu {silu} by differences", 3e-6, fenced => Set(fenced, shape, silu, 0.5, parameters: true, differences: true)),
    ];

    static OpRun Set(Fenced fenced, NormShape shape, bool silu, double mean, bool parameters, bool differences)
    {
        var (batch, height, width, c, groups) = shape;
        Tensor x = fenced.Normal([batch, height, width, c], mean, 2), gamma = fenced.Normal([c], 1, 0.2), beta = fenced.Normal([c]), dy = fenced.Normal(x.Shape);
        // The smaller pictures in place, the larger ones not.
        Tensor dx = height * width < 300 ? dy : fenced.New(x.Shape), dGamma = fenced.Normal([c]), dBeta = fenced.Normal([c]);
        double[] values = Fenced.Read(x), g = Fenced.Read(gamma), b = Fenced.Read(beta), d = Fenced.Read(dy);
        double Loss(double[] x, double[] gamma, double[] beta) => NormReference.GroupNorm(x, gamma, beta, batch, groups, Epsilon, silu).Zip(d, (y, dy) => y * dy).Sum();
        var expected = differences
            ? (FiniteDifferences.Of(v => Loss(v, g, b), values), FiniteDifferences.Of(v => Loss(values, v, b), g), FiniteDifferences.Of(v => Loss(values, g, v), b))
            : NormReference.GroupNormBackward(values, g, b, d, batch, groups, Epsilon, silu);
        if (!parameters) return new(() => fenced.Backend.GroupNormBackward(x, gamma, beta, dy, dx, groups, Epsilon, silu), dx, expected.Item1);
        return new(() => fenced.Backend.GroupNormBackward(x, gamma, beta, dy, dx, groups, Epsilon, silu, dGamma, dBeta),
            (dx, expected.Item1), (dGamma, Reference.Sum(Fenced.Read(dGamma), expected.Item2)), (dBeta, Reference.Sum(Fenced.Read(dBeta), expected.Item3)));
    }
}
