namespace PeaEngine.Tests.Ops;

public class MeanTokensBackwardTests : OpTests<MeanTokensBackwardTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
        from shape in ((int Batch, int Tokens, int C)[])[(1, 1, 1), (2, 7, 3), (2, 13, 40), (3, 52, 63), (1, 77, 1280), (2, 5, 20_000)]
        from masked in (bool[])[false, true]
        from add in (bool[])[false, true]
        select new OpCase($"{shape}{(masked ? " masked" : "")}{(add ? " added" : "")}", 1e-6, fenced =>
        {
            var (batch, tokens, c) = shape;
            Tensor dy = fenced.Normal([batch, c]), dx = add ? fenced.Normal([batch, tokens, c]) : fenced.New([batch, tokens, c]);
            Tensor? mask = masked ? MeanTokensTests.Mask(fenced, batch, tokens) : null;
            double[] d = Fenced.Read(dy), gradient;
            double Loss(double[] x) => MeanTokensTests.Mean(x, mask, batch, tokens, c).Zip(d, (y, dy) => y * dy).Sum();
            if (batch * tokens * c < 100) gradient = FiniteDifferences.Of(Loss, new double[batch * tokens * c]);
            else
            {
                gradient = new double[batch * tokens * c];
                for (var b = 0; b < batch; b++)
                {
                    var seen = MeanTokensTests.Seen(mask, b, tokens);
                    foreach (var token in seen)
                        for (var i = 0; i < c; i++) gradient[(b * tokens + token) * c + i] = d[b * c + i] / seen.Length;
                }
            }
            return new(() => fenced.Backend.MeanTokensBackward(dy, mask, dx, add), dx, add ? Reference.Sum(Fenced.Read(dx), gradient) : gradient);
        });
}
