namespace PeaEngine.Tests.Ops;

public class LinearBackwardTests : OpTests<LinearBackwardTests>, IOpCases
{
    // As for the product itself; the depth is the weight's rows here.
    static readonly (int M, int N, int K)[] Shapes =
        [(1, 1, 1), (1, 127, 65), (2, 320, 1281), (3, 65, 17), (3, 3, 5), (12, 384, 32), (13, 385, 33), (17, 1281, 65), (65, 17, 127), (127, 700, 3), (40, 801, 512), (130, 72, 136)];

    public static IEnumerable<OpCase> Cases =>
    [
        .. from shape in Shapes from dtype in (DType[])[DType.F32, DType.F16, DType.BF16] select Case(shape, dtype, residual: false, inPlace: false),
        .. from shape in Shapes from inPlace in (bool[])[false, true] select Case(shape, DType.F16, residual: true, inPlace),
    ];

    // Sums of up to 1281 products in single precision.
    internal static OpCase Case((int M, int N, int K) shape, DType dtype, bool residual, bool inPlace) =>
        new($"{shape} {dtype}{(residual ? " residual" : "")}{(inPlace ? " in place" : "")}", 3e-6, fenced =>
        {
            var (m, n, k) = shape;
            Tensor dy = fenced.Normal([1, m, n]), weight = fenced.Normal([n, k], deviation: 1 / Math.Sqrt(n), dtype: dtype);
            Tensor? r = residual ? fenced.Normal([1, m, k]) : null;
            var dx = inPlace ? r!.Value : fenced.New([1, m, k]);
            double[] g = Fenced.Read(dy), w = Fenced.Read(weight), expected = r is { } tensor ? Fenced.Read(tensor) : new double[m * k];
            for (var i = 0; i < m; i++)
                for (var j = 0; j < n; j++)
                    for (var c = 0; c < k; c++) expected[i * k + c] += g[i * n + j] * w[j * k + c];
            return new(() => fenced.Backend.LinearBackward(dy, weight, dx, r), dx, expected);
        });
}
