namespace PeaEngine.Tests.Ops;

public class GroupNormTests : OpTests<GroupNormTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
        from shape in ((int B, int H, int W, int C, int Groups)[])
        [
            (1, 1, 1, 4, 2), (2, 3, 5, 12, 4), (1, 7, 9, 33, 11), (2, 16, 16, 320, 32), (1, 32, 33, 65, 5), (1, 8, 8, 1280, 32), (1, 33, 65, 32, 32), (3, 64, 64, 8, 1),
        ]
        from silu in (bool[])[false, true]
        from mean in (double[])[0, 100]
        // Far from zero the digits of x itself are what is left of the deviations.
        select new OpCase($"{shape} silu {silu} mean {mean}", mean == 0 ? 2e-6 : 2e-5, fenced => Set(fenced, shape, silu, mean));

    static OpRun Set(Fenced fenced, (int B, int H, int W, int C, int Groups) shape, bool silu, double mean)
    {
        var (batch, height, width, c, groups) = shape;
        // The smaller pictures in place, the larger ones not.
        Tensor x = fenced.Normal([batch, height, width, c], mean, 2), gamma = fenced.Normal([c], 1, 0.2), beta = fenced.Normal([c]);
        var y = height * width < 300 ? x : fenced.New(x.Shape);
        var expected = NormReference.GroupNorm(Fenced.Read(x), Fenced.Read(gamma), Fenced.Read(beta), batch, groups, 1e-6f, silu);
        return new(() => fenced.Backend.GroupNorm(x, gamma, beta, y, groups, 1e-6f, silu), y, expected);
    }
}
