namespace PeaEngine.Tests.Ops;

public class LinearWeightBackwardTests : OpTests<LinearWeightBackwardTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
        from shape in ((int, int, int)[])[(1, 1, 1), (1, 65, 127), (2, 33, 1281), (3, 5, 3), (384, 12, 32), (385, 13, 33), (1281, 17, 65), (17, 127, 65), (700, 127, 3), (801, 40, 512), (300, 136, 72)]
        select Case(shape);

    // Sums of up to 1281 products in single precision.
    internal static OpCase Case((int M, int N, int K) shape) => new($"{shape}", 3e-6, fenced =>
    {
        var (m, n, k) = shape;
        Tensor x = fenced.Normal([1, m, k]), dy = fenced.Normal([1, m, n]), dWeight = fenced.Normal([n, k]);
        double[] a = Fenced.Read(x), g = Fenced.Read(dy), expected = Fenced.Read(dWeight);
        for (var i = 0; i < m; i++)
            for (var j = 0; j < n; j++)
                for (var c = 0; c < k; c++) expected[j * k + c] += g[i * n + j] * a[i * k + c];
        return new(() => fenced.Backend.LinearWeightBackward(x, dy, dWeight), dWeight, expected);
    });
}
