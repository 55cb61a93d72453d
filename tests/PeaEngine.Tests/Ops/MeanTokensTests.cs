namespace PeaEngine.Tests.Ops;

public class MeanTokensTests : OpTests<MeanTokensTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
        from shape in ((int Batch, int Tokens, int C)[])[(1, 1, 1), (2, 13, 40), (3, 52, 63), (1, 77, 1280), (2, 5, 2049)]
        from masked in (bool[])[false, true]
        // A sum of up to 77 values in single precision.
        select new OpCase($"{shape}{(masked ? " masked" : "")}", 1e-6, fenced =>
        {
            var (batch, tokens, c) = shape;
            Tensor x = fenced.Normal([batch, tokens, c], 0.5), y = fenced.New([batch, c]);
            Tensor? mask = masked ? Mask(fenced, batch, tokens) : null;
            return new(() => fenced.Backend.MeanTokens(x, mask, y), y, Mean(Fenced.Read(x), mask, batch, tokens, c));
        });

    /// <summary>The second sample has no token, the others lack some between and the last; any value but 0 counts.</summary>
    internal static Tensor Mask(Fenced fenced, int batch, int tokens)
    {
        var mask = fenced.New([batch, tokens], DType.U8);
        for (var i = 0; i < batch * tokens; i++) mask.AsSpan<byte>()[i] = (byte)(i / tokens == 1 || i % tokens % 5 == 2 || (tokens > 1 && i % tokens == tokens - 1) ? 0 : 255);
        return mask;
    }

    /// <summary>The tokens that a sample's mask has.</summary>
    internal static int[] Seen(Tensor? mask, int sample, int tokens) =>
        [.. Enumerable.Range(0, tokens).Where(t => mask is not { } m || m.AsSpan<byte>()[sample * tokens + t] != 0)];

    /// <summary>The means in double precision.</summary>
    internal static double[] Mean(double[] x, Tensor? mask, int batch, int tokens, int c)
    {
        var y = new double[batch * c];
        for (var b = 0; b < batch; b++)
        {
            var seen = Seen(mask, b, tokens);
            for (var i = 0; i < c; i++) y[b * c + i] = seen.Length == 0 ? 0 : seen.Average(t => x[(b * tokens + t) * c + i]);
        }
        return y;
    }
}
