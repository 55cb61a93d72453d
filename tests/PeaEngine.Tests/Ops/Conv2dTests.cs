namespace PeaEngine.Tests.Ops;

public class Conv2dTests : OpTests<Conv2dTests>, IOpCases
{
    /// <summary>What a case convolves.</summary>
    sealed record Shape2d(int Batch, int Height, int Width, int In, int Out, int Kernel = 3, int Stride = 1, int Padding = 1, int UpHeight = 0, int UpWidth = 0, int Below = 1)
    {
        public int OutHeight => ((UpHeight == 0 ? Height : UpHeight) + Padding + Below - Kernel) / Stride + 1;

        public int OutWidth => ((UpWidth == 0 ? Width : UpWidth) + Padding + Below - Kernel) / Stride + 1;
    }

    public static IEnumerable<OpCase> Cases =>
    [
        .. from shape in Shapes select Case(shape, DType.F16, bias: true, shift: false, residual: false, inPlace: false),
        .. from dtype in (DType[])[DType.F32, DType.F16, DType.BF16]
           from extra in (bool[])[false, true]
           from inPlace in (bool[])[false, true]
           from shape in (Shape2d[])[new(2, 5, 7, 48, 65), new(3, 4, 4, 64, 64), new(2, 9, 6, 65, 33, 1, Padding: 0, Below: 0), new(2, 6, 6, 64, 64, Stride: 2)]
           select Case(shape, dtype, extra, extra, extra || inPlace, inPlace),
    ];

    static readonly Shape2d[] Shapes =
    [
        new(1, 1, 1, 1, 1), new(2, 8, 8, 4, 64), new(1, 8, 9, 9, 33), new(2, 8, 8, 64, 4), new(1, 17, 5, 3, 128), new(1, 12, 7, 130, 3), new(1, 3, 3, 1281, 17),
        new(2, 16, 16, 32, 32), new(1, 13, 11, 96, 64), new(2, 1, 30, 16, 32), new(1, 30, 2, 16, 40), new(1, 40, 40, 17, 19), new(1, 6, 6, 192, 192),
        // Winograd with more depth, and with more tiles, than it takes at a time.
        new(1, 8, 8, 353, 40), new(2, 112, 111, 64, 17),
        // Strided: symmetric padding, and diffusers' encoder, which pads below and to the right only.
        new(1, 8, 8, 32, 48, Stride: 2), new(2, 9, 7, 20, 32, Stride: 2), new(1, 8, 8, 32, 32, Stride: 2, Padding: 0), new(1, 7, 9, 5, 3, Stride: 2, Padding: 0),
        // Upsampled: by two, and to sizes that are no multiple.
        new(1, 4, 4, 32, 32, UpHeight: 8, UpWidth: 8), new(2, 5, 6, 16, 33, UpHeight: 9, UpWidth: 13), new(1, 4, 4, 64, 64, UpHeight: 7, UpWidth: 7),
        // Without a kernel's window, and without padding.
        new(1, 5, 5, 48, 64, 1, Padding: 0, Below: 0), new(1, 9, 9, 24, 24, Padding: 0, Below: 0), new(1, 9, 9, 24, 24, 1, Stride: 2, Padding: 0, Below: 0),
    ];

    // Sums of up to 11529 products in single precision.
    static OpCase Case(Shape2d shape, DType dtype, bool bias, bool shift, bool residual, bool inPlace) =>
        new($"{shape} {dtype}{(bias ? " bias" : "")}{(shift ? " shift" : "")}{(residual ? " residual" : "")}{(inPlace ? " in place" : "")}", 5e-6, fenced =>
        {
            Tensor x = fenced.Normal([shape.Batch, shape.Height, shape.Width, shape.In]);
            var weight = fenced.Normal([shape.Out, shape.Kernel, shape.Kernel, shape.In], deviation: 1 / Math.Sqrt(shape.In * shape.Kernel * shape.Kernel), dtype: dtype);
            Shape output = [shape.Batch, shape.OutHeight, shape.OutWidth, shape.Out];
            Tensor? b = bias ? fenced.Normal([shape.Out]) : null, s = shift ? fenced.Normal([shape.Batch, shape.Out]) : null, r = residual ? fenced.Normal(output) : null;
            var y = inPlace ? r!.Value : fenced.New(output);
            var geometry = new Conv2dGeometry(shape.Stride, shape.Padding, shape.UpHeight, shape.UpWidth);
            return new(() => fenced.Backend.Conv2d(x, weight, b, y, geometry, s, r), y, Expected(shape, x, weight, b, s, r));
        });

    static double[] Expected(Shape2d shape, Tensor x, Tensor weight, Tensor? bias, Tensor? shift, Tensor? residual)
    {
        int height = shape.UpHeight == 0 ? shape.Height : shape.UpHeight, width = shape.UpWidth == 0 ? shape.Width : shape.UpWidth, k = shape.Kernel;
        double[] values = Fenced.Read(x), weights = Fenced.Read(weight);
        double[]? b = bias is { } tb ? Fenced.Read(tb) : null, s = shift is { } ts ? Fenced.Read(ts) : null, r = residual is { } tr ? Fenced.Read(tr) : null;
        var y = new double[shape.Batch * shape.OutHeight * shape.OutWidth * shape.Out];
        for (var i = 0; i < y.Length; i++)
        {
            int o = i % shape.Out, ox = i / shape.Out % shape.OutWidth, oy = i / shape.Out / shape.OutWidth % shape.OutHeight, image = i / shape.Out / shape.OutWidth / shape.OutHeight;
            y[i] = (b?[o] ?? 0) + (s?[image * shape.Out + o] ?? 0) + (r?[i] ?? 0);
            for (var ky = 0; ky < k; ky++)
                for (var kx = 0; kx < k; kx++)
                {
                    int iy = oy * shape.Stride + ky - shape.Padding, ix = ox * shape.Stride + kx - shape.Padding;
                    if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
                    int from = ((image * shape.Height + iy * shape.Height / height) * shape.Width + ix * shape.Width / width) * shape.In, tap = ((o * k + ky) * k + kx) * shape.In;
                    for (var c = 0; c < shape.In; c++) y[i] += values[from + c] * weights[tap + c];
                }
        }
        return y;
    }
}
