namespace PeaEngine.Tests.Ops;

public class AttentionTests : OpTests<AttentionTests>, IOpCases
{
    [Flags]
    public enum Masks
    {
        None = 0,
        Causal = 1,
        KeyPadding = 2,
        Bias = 4,
        BiasOfHeads = 8,
        BiasOfBatch = 16,
    }

    public static IEnumerable<OpCase> Cases =>
    [
        // Head sizes around the vectors' and tiles' widths.
        .. from depth in (int[])[1, 3, 4, 8, 15, 16, 17, 31, 32, 33, 40, 64, 80, 130, 300]
           select Case(1, 13, 29, 2, depth),
        // Numbers of queries and keys around tiles, vectors, blocks of keys and blocks of queries.
        .. from keys in (int[])[1, 2, 5, 16, 17, 33, 77, 127, 128, 129, 300]
           select Case(2, 7, keys, 3, 20),
        .. from queries in (int[])[1, 5, 6, 7, 23, 24, 25, 191, 193, 400]
           select Case(1, queries, 140, 2, 16),
        .. from masks in (Masks[])[Masks.Causal, Masks.KeyPadding, Masks.Bias, Masks.Bias | Masks.BiasOfHeads, Masks.Bias | Masks.BiasOfBatch | Masks.BiasOfHeads,
               Masks.Causal | Masks.KeyPadding, Masks.Causal | Masks.KeyPadding | Masks.Bias]
           from tokens in (int[])[5, 77, 260]
           select Case(3, tokens, tokens, 2, 24, masks),
        Case(2, 150, 300, 1, 8, Masks.Causal),
        Case(2, 300, 150, 1, 8, Masks.Causal),
        // Scores in the hundreds: the softmax is all but a choice of one key.
        Case(1, 40, 200, 2, 64, scale: 5),
        Case(1, 33, 45, 2, 12, inPlace: true),
    ];

    static OpCase Case(int batch, int queries, int keys, int heads, int depth, Masks masks = Masks.None, float scale = 0, bool inPlace = false) =>
        new($"{(batch, queries, keys, heads, depth)} {masks} {scale}{(inPlace ? " in place" : "")}", scale == 0 ? 2e-6 : 1e-4, fenced =>
        {
            var c = heads * depth;
            Tensor q = fenced.Normal([batch, queries, c]), k = fenced.Normal([batch, keys, c]), v = fenced.Normal([batch, keys, c]), y = inPlace ? q : fenced.New(q.Shape);
            Tensor? padding = null, bias = null;
            if (masks.HasFlag(Masks.KeyPadding))
            {
                // The second sample sees nothing, the others miss their first keys (with a causal mask, early queries then see nothing), some between and the last.
                padding = fenced.New([batch, keys], DType.U8);
                for (var i = 0; i < batch * keys; i++) padding.Value.AsSpan<byte>()[i] = (byte)(i / keys == 1 || i % keys < 3 || i % 7 == 3 || i % keys == keys - 1 ? 0 : 255);
            }
            if (masks.HasFlag(Masks.Bias)) bias = fenced.Normal([masks.HasFlag(Masks.BiasOfBatch) ? batch : 1, masks.HasFlag(Masks.BiasOfHeads) ? heads : 1, queries, keys], deviation: 2);
            var mask = new AttentionMask(masks.HasFlag(Masks.Causal), padding, bias);
            var by = scale == 0 ? 1 / MathF.Sqrt(depth) : scale;
            return new(() => fenced.Backend.Attention(q, k, v, y, heads, by, mask), y, Expect(q, k, v, heads, by, mask));
        });

    static double[] Expect(Tensor queries, Tensor keys, Tensor values, int heads, float scale, AttentionMask mask)
    {
        int batch = queries.Shape[0], tq = queries.Shape[1], tk = keys.Shape[1], c = queries.Shape[2], depth = c / heads;
        double[] q = Fenced.Read(queries), k = Fenced.Read(keys), v = Fenced.Read(values), y = new double[q.Length], scores = new double[tk];
        for (var b = 0; b < batch; b++)
            for (var h = 0; h < heads; h++)
                for (var i = 0; i < tq; i++)
                {
                    int at = (b * tq + i) * c + h * depth, from = b * tk * c + h * depth;
                    for (var j = 0; j < tk; j++)
                    {
                        double score = 0;
                        for (var e = 0; e < depth; e++) score += q[at + e] * k[from + j * c + e];
                        score *= scale;
                        if (mask.Bias is { } bias) score += bias.AsSpan<float>()[(((bias.Shape[0] == 1 ? 0 : b) * bias.Shape[1] + (bias.Shape[1] == 1 ? 0 : h)) * tq + i) * tk + j];
                        if ((mask.Causal && j > i) || (mask.KeyPadding is { } padding && padding.AsSpan<byte>()[b * tk + j] == 0)) score = double.NegativeInfinity;
                        scores[j] = score;
                    }
                    var largest = scores.Max();
                    if (double.IsNegativeInfinity(largest)) continue;
                    var total = scores.Sum(score => Math.Exp(score - largest));
                    for (var j = 0; j < tk; j++)
                        for (var e = 0; e < depth; e++) y[at + e] += Math.Exp(scores[j] - largest) / total * v[from + j * c + e];
                }
        return y;
    }
}
