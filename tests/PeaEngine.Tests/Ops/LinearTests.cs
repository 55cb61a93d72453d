namespace PeaEngine.Tests.Ops;

public class LinearTests : OpTests<LinearTests>, IOpCases
{
    // One thread's multiple of rows and columns, their neighbours, depths below, at and above a block, the narrow paths of one and two rows.
    static readonly (int M, int N, int K)[] Shapes =
    [
        (1, 1, 1), (1, 65, 127), (2, 1281, 320), (2, 33, 1281), (3, 17, 65), (3, 5, 3), (12, 32, 384), (13, 33, 385), (17, 65, 1281), (24, 64, 32), (65, 127, 17),
        (127, 3, 700), (127, 200, 64), (40, 512, 801),
    ];

    public static IEnumerable<OpCase> Cases =>
    [
        .. from shape in Shapes
           from dtype in (DType[])[DType.F32, DType.F16, DType.BF16]
           select Case(shape, dtype, bias: false, Activation.None, Residual.None),
        .. from shape in ((int, int, int)[])[(1, 65, 127), (2, 65, 801), (13, 33, 385), (24, 64, 32), (36, 128, 800)]
           from activation in Enum.GetValues<Activation>()
           from residual in Enum.GetValues<Residual>()
           select Case(shape, DType.F16, bias: true, activation, residual),
        // More rows than one task may have.
        Case((2500, 8, 9), DType.F16, bias: true, Activation.None, Residual.None),
    ];

    internal enum Residual
    {
        None,
        Apart,
        Output,
    }

    // Sums of up to 1281 products in single precision.
    internal static OpCase Case((int M, int N, int K) shape, DType dtype, bool bias, Activation activation, Residual residual) =>
        new($"{shape} {dtype}{(bias ? " bias" : "")} {activation} residual {residual}", 3e-6, fenced =>
        {
            var (m, n, k) = shape;
            Tensor x = fenced.Normal([1, m, k]), weight = fenced.Normal([n, k], deviation: 1 / Math.Sqrt(k), dtype: dtype);
            Tensor? b = bias ? fenced.Normal([n]) : null, r = residual == Residual.None ? null : fenced.Normal([1, m, n]);
            var y = residual == Residual.Output ? r!.Value : fenced.New([1, m, n]);
            var expected = Reference.Product(x, weight, b);
            var added = r is { } tensor ? Fenced.Read(tensor) : null;
            for (var i = 0; i < expected.Length; i++) expected[i] = Reference.Activate(expected[i], activation) + (added?[i] ?? 0);
            return new(() => fenced.Backend.Linear(x, weight, b, y, activation, r), y, expected);
        });
}
