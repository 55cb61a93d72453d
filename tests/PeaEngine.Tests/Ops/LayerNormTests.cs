namespace PeaEngine.Tests.Ops;

public class LayerNormTests : OpTests<LayerNormTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
        from shape in ((int Rows, int C)[])[(1, 1), (3, 5), (70, 63), (77, 768), (40, 1280), (9, 65)]
        from inPlace in (bool[])[false, true]
        from mean in (double[])[0, 100]
        // Far from zero the digits of x itself are what is left of the deviations.
        select new OpCase($"{shape} mean {mean}{(inPlace ? " in place" : "")}", mean == 0 ? 1e-6 : 2e-5, fenced =>
        {
            var (rows, c) = shape;
            Tensor x = fenced.Normal([1, rows, c], mean, 2), gamma = fenced.Normal([c], 1, 0.2), beta = fenced.Normal([c]), y = inPlace ? x : fenced.New(x.Shape);
            var expected = NormReference.LayerNorm(Fenced.Read(x), Fenced.Read(gamma), Fenced.Read(beta), 1e-5f);
            return new(() => fenced.Backend.LayerNorm(x, gamma, beta, y, 1e-5f), y, expected);
        });
}
