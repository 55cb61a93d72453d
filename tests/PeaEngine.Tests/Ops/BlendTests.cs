namespace PeaEngine.Tests.Ops;

public class BlendTests : OpTests<BlendTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
        from count in (int[])[33, 20_001]
        from alias in (int[])[-1, 0, 1, 2]
        select new OpCase($"{count}, output is {alias}", 1e-6, fenced =>
        {
            Tensor[] inputs = [fenced.Normal([count]), fenced.Normal([count]), fenced.Of([count], [.. Enumerable.Range(0, count).Select(i => i % 4 / 3f)])];
            var y = alias < 0 ? fenced.New([count]) : inputs[alias];
            double[] a = Fenced.Read(inputs[0]), b = Fenced.Read(inputs[1]), mask = Fenced.Read(inputs[2]);
            return new(() => fenced.Backend.Blend(inputs[0], inputs[1], inputs[2], y), y, [.. a.Select((value, i) => value * (1 - mask[i]) + b[i] * mask[i])]);
        });
}
