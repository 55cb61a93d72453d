namespace PeaEngine.Tests.Ops;

public class ActivateBackwardTests : OpTests<ActivateBackwardTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
        from activation in Enum.GetValues<Activation>()
        from count in (int[])[1, 31, 40_001]
        from inPlace in (bool[])[false, true]
        select new OpCase($"{activation} {count}{(inPlace ? " in place" : "")}", 1e-6, fenced =>
        {
            Tensor x = fenced.Normal([count], deviation: 3), dy = fenced.Normal([count]), dx = inPlace ? dy : fenced.New([count]);
            double[] values = Fenced.Read(x), d = Fenced.Read(dy);
            // The few by differences, the many by calculus.
            var slopes = count < 100
                ? [.. values.Select(value => FiniteDifferences.Of(v => Reference.Activate(v[0], activation), [value])[0])]
                : values.Select(value => Reference.Derivative(value, activation));
            return new(() => fenced.Backend.ActivateBackward(x, dy, dx, activation), dx, [.. slopes.Zip(d, (slope, dy) => slope * dy)]);
        });
}
