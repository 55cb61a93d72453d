namespace PeaEngine.Tests.Ops;

public class AttentionTests : OpTests<AttentionTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
    [
        // Head sizes around the vectors' and tiles' widths.
        .. from depth in (int[])[1, 3, 4, 8, 15, 16, 17, 31, 32, 33, 40, 64, 80, 130, 300]
           select Case(new(1, 13, 29, 2, depth)),
        // Numbers of queries and keys around tiles, vectors, blocks of keys and blocks of queries.
        .. from keys in (int[])[1, 2, 5, 16, 17, 33, 77, 127, 128, 129, 300]
           select Case(new(2, 7, keys, 3, 20)),
        .. from queries in (int[])[1, 5, 6, 7, 23, 24, 25, 191, 193, 400]
           select Case(new(1, queries, 140, 2, 16)),
        .. from masks in (Masks[])[Masks.Causal, Masks.KeyPadding, Masks.Bias, Masks.Bias | Masks.BiasOfHeads, Masks.Bias | Masks.BiasOfBatch | Masks.BiasOfHeads,
               Masks.Causal | Masks.KeyPadding, Masks.Causal | Masks.KeyPadding | Masks.Bias]
           from tokens in (int[])[5, 77, 260]
           select Case(new(3, tokens, tokens, 2, 24, masks), sums: true),
        Case(new(2, 150, 300, 1, 8, Masks.Causal)),
        Case(new(2, 300, 150, 1, 8, Masks.Causal), sums: true),
        // Scores in the hundreds: the softmax is all but a choice of one key.
        Case(new(1, 40, 200, 2, 64, Scale: 5), sums: true),
        Case(new(1, 33, 45, 2, 12), inPlace: true, sums: true),
    ];

    internal static OpCase Case(AttentionCase @case, bool inPlace = false, bool sums = false) =>
        new($"{@case}{(inPlace ? " in place" : "")}", @case.Scale == 0 ? 2e-6 : 1e-4, fenced =>
        {
            Tensor q = fenced.Normal(@case.QueryShape), k = fenced.Normal(@case.KeyShape), v = fenced.Normal(@case.KeyShape), y = inPlace ? q : fenced.New(q.Shape);
            var mask = @case.Mask(fenced);
            Tensor? logSumExp = sums ? fenced.New([@case.Batch, @case.Heads, @case.Queries]) : null;
            var (weights, expected) = @case.Weigh(Fenced.Read(q), Fenced.Read(k), mask.Bias is { } bias ? Fenced.Read(bias) : null);
            var average = @case.Average(weights, Fenced.Read(v));
            Action run = () => fenced.Backend.Attention(q, k, v, y, @case.Heads, @case.Factor, mask, logSumExp);
            return logSumExp is { } tensor ? new(run, (y, average), (tensor, expected)) : new(run, y, average);
        });
}
