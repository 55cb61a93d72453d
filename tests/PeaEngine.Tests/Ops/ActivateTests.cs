namespace PeaEngine.Tests.Ops;

public class ActivateTests : OpTests<ActivateTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
        from activation in Enum.GetValues<Activation>()
        from count in (int[])[1, 31, 40_001]
        from inPlace in (bool[])[false, true]
        select new OpCase($"{activation} {count}{(inPlace ? " in place" : "")}", 1e-6, fenced =>
        {
            var x = fenced.Normal([count], deviation: 3);
            var y = inPlace ? x : fenced.New([count]);
            return new(() => fenced.Backend.Activate(x, y, activation), y, [.. Fenced.Read(x).Select(value => Reference.Activate(value, activation))]);
        });
}
