namespace PeaEngine.Tests.Ops;

public class GegluTests : OpTests<GegluTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
        from shape in ((int M, int N, int K)[])[(1, 1, 1), (1, 64, 65), (2, 33, 700), (13, 17, 65), (24, 64, 320), (65, 127, 385), (31, 200, 1281)]
        from dtype in (DType[])[DType.F32, DType.F16, DType.BF16]
        from bias in (bool[])[false, true]
        from activation in (Activation[])[Activation.Gelu, Activation.GeluTanh]
        select Case(shape, dtype, bias, activation);

    // Products of two sums of up to 1281 products in single precision.
    internal static OpCase Case((int M, int N, int K) shape, DType dtype, bool bias, Activation activation) =>
        new($"{shape} {dtype} {activation}{(bias ? " bias" : "")}", 3e-6, fenced =>
        {
            var (m, n, k) = shape;
            Tensor x = fenced.Normal([m, k]), weight = fenced.Normal([2 * n, k], deviation: 1 / Math.Sqrt(k), dtype: dtype), y = fenced.New([m, n]);
            Tensor? b = bias ? fenced.Normal([2 * n]) : null;
            var h = Reference.Product(x, weight, b);
            var expected = new double[m * n];
            for (var i = 0; i < expected.Length; i++)
                expected[i] = h[i / n * 2 * n + i % n] * Reference.Activate(h[i / n * 2 * n + n + i % n], activation);
            return new(() => fenced.Backend.Geglu(x, weight, b, y, activation), y, expected);
        });
}
