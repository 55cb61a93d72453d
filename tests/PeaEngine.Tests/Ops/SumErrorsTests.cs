namespace PeaEngine.Tests.Ops;

public class SumErrorsTests : OpTests<SumErrorsTests>, IOpCases
{
    // Fewer rows than sums, as many, more, and more than a warp has lanes; one sum alone.
    public static IEnumerable<OpCase> Cases => from shape in (int[][])[[2, 1, 3], [3, 4, 3], [11, 10, 3], [32, 2, 32], [33, 2, 1], [70, 3, 4]] select Case(shape[0], shape[1], shape[2]);

    // To the bit: every product and every sum is rounded where the definition says.
    static OpCase Case(int rows, int samples, int sums) => new($"{rows} rows, {samples} samples, {sums} sums", 0, fenced =>
    {
        var errors = fenced.Normal([rows, samples], mean: 1);
        Tensor weights = fenced.OfDoubles([.. Enumerable.Range(0, samples).Select(b => 1.0 / (3 + b))]), terms = fenced.OfDoubles([.. Enumerable.Range(0, rows).Select(r => r % 5 == 4 ? 0 : Math.Sqrt(2 + r))]);
        double[] given = [.. Enumerable.Range(0, sums).Select(k => 0.1 * k)], values = Fenced.Read(errors), parts = new double[sums];
        for (var row = 0; row < rows; row++)
        {
            double part = 0;
            for (var b = 0; b < samples; b++) part += Fenced.Read(weights)[b] * values[row * samples + b];
            parts[Math.Min(row, sums - 1)] += Fenced.Read(terms)[row] * part;
        }
        var total = fenced.OfDoubles(given);
        return new(() => fenced.Backend.SumErrors(errors, weights, terms, total), total, [.. given.Zip(parts, (before, part) => before + part)]);
    });

    [Theory, InlineData(float.NaN, double.NaN), InlineData(float.PositiveInfinity, double.PositiveInfinity)]
    public void OneErrorThatIsNotFiniteIsSeenInItsSumAlone(float error, double expected)
    {
        using var fenced = new Fenced(new(1));
        var errors = fenced.Of([4, 2], [1, 2, 3, 4, 5, 6, 7, error]);
        var sums = fenced.OfDoubles([0, 0, 0]);
        fenced.Backend.SumErrors(errors, fenced.OfDoubles([1, 1]), fenced.OfDoubles([1, 1, 1, 1]), sums);
        Assert.Equal([3, 7, expected], sums.AsSpan<double>().ToArray());
    }
}
