namespace PeaEngine.Tests.Ops;

public class SumSquaresTests : OpTests<SumSquaresTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases => from count in (int[])[0, 1, 3, 17, 4096, 4097, 100_003] select Case(count);

    // A block's 4096 squares are added in single precision, in 16 sums of which none has more than 1024 terms.
    static OpCase Case(int count) => new($"{count}", 1e-6, fenced =>
    {
        Tensor x = fenced.Normal([count], mean: 0.3), y = fenced.New([1]);
        return new(() => fenced.Backend.SumSquares(x, y), y, [Fenced.Read(x).Sum(value => value * value)]);
    });

    [Theory]
    [InlineData(float.NaN, float.NaN)]
    [InlineData(float.NegativeInfinity, float.PositiveInfinity)]
    [InlineData(1e20f, float.PositiveInfinity)]
    public void OneValueThatIsNotFiniteIsSeen(float value, float expected)
    {
        using var fenced = new Fenced(new(2));
        Tensor x = fenced.Normal([9001]), y = fenced.New([1]);
        x.AsSpan<float>()[8999] = value;
        fenced.Backend.SumSquares(x, y);
        Assert.Equal(expected, y.AsSpan<float>()[0]);
    }
}
