namespace PeaEngine.Tests.Ops;

public class Conv2dBackwardTests : OpTests<Conv2dBackwardTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
    [
        .. from shape in ConvCase.All where shape.UpHeight == 0 select Case(shape, DType.F16, residual: false, inPlace: false),
        .. from dtype in (DType[])[DType.F32, DType.F16, DType.BF16]
           from inPlace in (bool[])[false, true]
           from shape in (ConvCase[])[new(2, 5, 7, 65, 48), new(3, 4, 4, 64, 64), new(2, 9, 6, 33, 65, 1, Padding: 0, Below: 0), new(2, 6, 6, 64, 64, Stride: 2)]
           select Case(shape, dtype, residual: true, inPlace),
    ];

    // Sums of up to 11529 products in single precision.
    internal static OpCase Case(ConvCase shape, DType dtype, bool residual, bool inPlace) =>
        new($"{shape} {dtype}{(residual ? " residual" : "")}{(inPlace ? " in place" : "")}", 5e-6, fenced =>
        {
            var dy = fenced.Normal([shape.Batch, shape.OutHeight, shape.OutWidth, shape.Out]);
            int k = shape.Kernel;
            var weight = fenced.Normal([shape.Out, k, k, shape.In], deviation: 1 / Math.Sqrt(shape.Out * k * k), dtype: dtype);
            Shape input = [shape.Batch, shape.Height, shape.Width, shape.In];
            Tensor? r = residual ? fenced.Normal(input) : null;
            var dx = inPlace ? r!.Value : fenced.New(input);
            double[] g = Fenced.Read(dy), w = Fenced.Read(weight), expected = r is { } tensor ? Fenced.Read(tensor) : new double[input.Elements];
            shape.ForEachTap((output, from, tap) =>
            {
                for (var o = 0; o < shape.Out; o++)
                    for (var c = 0; c < shape.In; c++) expected[from * shape.In + c] += g[output * shape.Out + o] * w[(o * k * k + tap) * shape.In + c];
            });
            return new(() => fenced.Backend.Conv2dBackward(dy, weight, dx, shape.Geometry, r), dx, expected);
        });
}
