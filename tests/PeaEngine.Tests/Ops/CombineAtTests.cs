namespace PeaEngine.Tests.Ops;

public class CombineAtTests : OpTests<CombineAtTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
        from terms in (int[])[1, 3, 8]
        from count in (int[])[33, 1500]
        select new OpCase($"{terms} terms of {count}", 1e-6, fenced =>
        {
            Tensor[] inputs = [.. Enumerable.Range(0, terms).Select(_ => fenced.Normal([count]))];
            Tensor coefficients = fenced.Normal([terms]), y = fenced.New([count]);
            var expected = new double[count];
            foreach (var (coefficient, input) in Fenced.Read(coefficients).Zip(inputs))
            {
                var values = Fenced.Read(input);
                for (var i = 0; i < count; i++) expected[i] += coefficient * values[i];
            }
            return new(() => fenced.Backend.CombineAt(y, coefficients, inputs), y, expected);
        });
}
