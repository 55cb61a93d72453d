namespace PeaEngine.Tests.Ops;

public class SquaredErrorTests : OpTests<SquaredErrorTests>, IOpCases
{
    // A block's 4096 squares are added in single precision, in 16 sums of which none has more than 1024 terms.
    public static IEnumerable<OpCase> Cases =>
        from shape in ((int B, int H, int W, int C)[])[(1, 1, 1, 1), (3, 5, 7, 4), (2, 16, 16, 16), (2, 4, 4, 5), (2, 33, 31, 65), (5, 64, 64, 4)]
        select new OpCase($"{shape}", 1e-6, fenced =>
        {
            Tensor a = fenced.Normal([shape.B, shape.H, shape.W, shape.C], 0.3), b = fenced.Normal(a.Shape), y = fenced.New([shape.B]);
            return new(() => fenced.Backend.SquaredError(a, b, y), y, Mean(Fenced.Read(a), Fenced.Read(b), shape.B));
        });

    /// <summary>The means in double precision.</summary>
    internal static double[] Mean(double[] a, double[] b, int batch) =>
        [.. a.Zip(b, (x, y) => (x - y) * (x - y)).Chunk(a.Length / batch).Select(sample => sample.Average())];

    [Theory]
    [InlineData(float.NaN, float.NaN)]
    [InlineData(float.NegativeInfinity, float.PositiveInfinity)]
    [InlineData(1e20f, float.PositiveInfinity)]
    public void OneValueThatIsNotFiniteIsSeenInItsSample(float value, float expected)
    {
        using var fenced = new Fenced(new(2));
        Tensor a = fenced.Normal([3, 9001]), b = fenced.Normal(a.Shape), y = fenced.New([3]);
        a.AsSpan<float>()[9001 + 8999] = value;
        fenced.Backend.SquaredError(a, b, y);
        Assert.Equal(expected, y.AsSpan<float>()[1]);
        Assert.True(float.IsFinite(y.AsSpan<float>()[0]) && float.IsFinite(y.AsSpan<float>()[2]));
    }
}
