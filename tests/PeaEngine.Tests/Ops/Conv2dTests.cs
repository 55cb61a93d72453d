namespace PeaEngine.Tests.Ops;

public class Conv2dTests : OpTests<Conv2dTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
    [
        .. from shape in ConvCase.All select Case(shape, DType.F16, bias: true, shift: false, residual: false, inPlace: false),
        .. from dtype in (DType[])[DType.F32, DType.F16, DType.BF16]
           from extra in (bool[])[false, true]
           from inPlace in (bool[])[false, true]
           from shape in (ConvCase[])[new(2, 5, 7, 48, 65), new(3, 4, 4, 64, 64), new(2, 9, 6, 65, 33, 1, Padding: 0, Below: 0), new(2, 6, 6, 64, 64, Stride: 2)]
           select Case(shape, dtype, extra, extra, extra || inPlace, inPlace),
    ];

    // Sums of up to 11529 products in single precision.
    internal static OpCase Case(ConvCase shape, DType dtype, bool bias, bool shift, bool residual, bool inPlace) =>
        new($"{shape} {dtype}{(bias ? " bias" : "")}{(shift ? " shift" : "")}{(residual ? " residual" : "")}{(inPlace ? " in place" : "")}", 5e-6, fenced =>
        {
            Tensor x = fenced.Normal([shape.Batch, shape.Height, shape.Width, shape.In]);
            var weight = fenced.Normal([shape.Out, shape.Kernel, shape.Kernel, shape.In], deviation: 1 / Math.Sqrt(shape.In * shape.Kernel * shape.Kernel), dtype: dtype);
            Shape output = [shape.Batch, shape.OutHeight, shape.OutWidth, shape.Out];
            Tensor? b = bias ? fenced.Normal([shape.Out]) : null, s = shift ? fenced.Normal([shape.Batch, shape.Out]) : null, r = residual ? fenced.Normal(output) : null;
            var y = inPlace ? r!.Value : fenced.New(output);
            return new(() => fenced.Backend.Conv2d(x, weight, b, y, shape.Geometry, s, r), y, Expected(shape, x, weight, b, s, r));
        });

    static double[] Expected(ConvCase shape, Tensor x, Tensor weight, Tensor? bias, Tensor? shift, Tensor? residual)
    {
        var k = shape.Kernel;
        double[] values = Fenced.Read(x), weights = Fenced.Read(weight);
        double[]? b = bias is { } tb ? Fenced.Read(tb) : null, s = shift is { } ts ? Fenced.Read(ts) : null, r = residual is { } tr ? Fenced.Read(tr) : null;
        var y = new double[shape.Batch * shape.OutHeight * shape.OutWidth * shape.Out];
        for (var i = 0; i < y.Length; i++) y[i] = (b?[i % shape.Out] ?? 0) + (s?[i / (shape.OutHeight * shape.OutWidth * shape.Out) * shape.Out + i % shape.Out] ?? 0) + (r?[i] ?? 0);
        shape.ForEachTap((output, input, tap) =>
        {
            for (var o = 0; o < shape.Out; o++)
                for (var c = 0; c < shape.In; c++) y[output * shape.Out + o] += values[input * shape.In + c] * weights[(o * k * k + tap) * shape.In + c];
        });
        return y;
    }
}
