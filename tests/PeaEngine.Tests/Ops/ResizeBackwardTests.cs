namespace PeaEngine.Tests.Ops;

public class ResizeBackwardTests : OpTests<ResizeBackwardTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
        from shape in ((int, int, int, int, int)[])[(1, 1, 1, 1, 1), (4, 4, 8, 8, 32), (5, 6, 9, 13, 17), (4, 4, 7, 7, 65), (3, 3, 3, 3, 5), (2, 3, 11, 3, 130)]
        select Case(shape);

    // Sums of up to 30 values in single precision.
    static OpCase Case((int Height, int Width, int FromHeight, int FromWidth, int Channels) shape) => new($"{shape}", 1e-6, fenced =>
    {
        var (height, width, fromHeight, fromWidth, c) = shape;
        Tensor dy = fenced.Normal([2, fromHeight, fromWidth, c]), dx = fenced.New([2, height, width, c]);
        double[] g = Fenced.Read(dy), expected = new double[dx.Elements];
        for (var i = 0; i < g.Length; i++)
        {
            int x = i / c % fromWidth, y = i / c / fromWidth % fromHeight, image = i / c / fromWidth / fromHeight;
            expected[((image * height + y * height / fromHeight) * width + x * width / fromWidth) * c + i % c] += g[i];
        }
        return new(() => fenced.Backend.ResizeBackward(dy, dx), dx, expected);
    });
}
