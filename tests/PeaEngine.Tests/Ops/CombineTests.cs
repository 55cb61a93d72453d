namespace PeaEngine.Tests.Ops;

public class CombineTests : OpTests<CombineTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
        from terms in (int[])[1, 2, 3, 8]
        from count in (int[])[33, 20_001]
        from alias in new[] { -1, 0, terms - 1 }.Distinct()
        select new OpCase($"{terms} terms of {count}, output is {alias}", 1e-6, fenced =>
        {
            var inputs = new Term[terms];
            for (var i = 0; i < terms; i++) inputs[i] = new(0.3f * i - 0.7f, fenced.Normal([count]));
            var y = alias < 0 ? fenced.New([count]) : inputs[alias].Tensor;
            var expected = new double[count];
            foreach (var term in inputs)
            {
                var values = Fenced.Read(term.Tensor);
                for (var i = 0; i < count; i++) expected[i] += term.Coefficient * values[i];
            }
            return new(() => fenced.Backend.Combine(y, inputs), y, expected);
        });

    [Fact]
    public void RefusesNoTermsAndNine()
    {
        using var fenced = new Fenced(new(1));
        var y = fenced.Normal([3]);
        Assert.Equal("combine: 0 terms, expected 1 to 8", Assert.Throws<PeaException>(() => fenced.Backend.Combine(y)).Message);
        Assert.Equal("combine: 9 terms, expected 1 to 8", Assert.Throws<PeaException>(() => fenced.Backend.Combine(y, Enumerable.Repeat(new Term(1, y), 9).ToArray())).Message);
    }
}
