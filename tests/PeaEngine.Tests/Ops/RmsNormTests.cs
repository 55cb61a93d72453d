namespace PeaEngine.Tests.Ops;

public class RmsNormTests : OpTests<RmsNormTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
        from shape in ((int Rows, int C)[])[(1, 1), (3, 5), (70, 63), (77, 768), (40, 2048), (9, 65)]
        from inPlace in (bool[])[false, true]
        // Far from zero too: nothing is taken off, so nothing cancels. Tiny values show the epsilon.
        from scale in (double[])[1, 100, 1e-3]
        select new OpCase($"{shape} scale {scale}{(inPlace ? " in place" : "")}", 1e-6, fenced =>
        {
            var (rows, c) = shape;
            Tensor x = fenced.Normal([1, rows, c], scale, 2 * scale), gamma = fenced.Normal([c], 1, 0.2), y = inPlace ? x : fenced.New(x.Shape);
            var expected = NormReference.RmsNorm(Fenced.Read(x), Fenced.Read(gamma), 1e-6f);
            return new(() => fenced.Backend.RmsNorm(x, gamma, y, 1e-6f), y, expected);
        });
}
