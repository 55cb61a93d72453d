namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void AttentionBackward(Tensor q, Tensor k, Tensor v, Tensor y, Tensor logSumExp, Tensor dy, Tensor dq, Tensor dk, Tensor dv, int heads, float scale, AttentionMask mask = default, Tensor? dBias = null)
    {
        int batch = q.Shape[0], queries = q.Shape[1], keys = k.Shape[1], columns = q.Shape[2], depth = columns / heads;
        // Heads that add to the same gradient of a bias take turns.
        int batches = dBias is { } sum && sum.Shape[0] == 1 ? 1 : batch, rows = dBias is { } s && s.Shape[1] == 1 ? 1 : heads, groups = batches * rows;
        // A head in one piece takes five products. In pieces of keys and of queries, each of which computes the weights for itself, it
        // takes seven: where that many more threads have work. Every sum runs over all its terms in order either way, to the same bits.
        var whole = 5L * SimdBlock.Count(groups, Threads) * Threads <= 7L * groups;
        int keyBlock = AttentionBackwardJob.KeyBlockOf(depth), queryBlock = AttentionBackwardJob.QueryBlock;
        while (!whole && keyBlock > AttentionBackwardJob.Span && (long)groups * SimdBlock.Count(keys, keyBlock) < 2 * Threads) keyBlock -= AttentionBackwardJob.Span;
        while (!whole && queryBlock > AttentionBackwardJob.Strip && (long)groups * SimdBlock.Count(queries, queryBlock) < 2 * Threads) queryBlock /= 2;
        int keyParts = whole ? 1 : SimdBlock.Count(keys, keyBlock), queryParts = whole ? 0 : SimdBlock.Count(queries, queryBlock);
        Run(new AttentionBackwardJob
        {
            Workspaces = workspaces,
            InputQ = (float*)q.Address,
            InputK = (float*)k.Address,
            InputV = (float*)v.Address,
            Output = (float*)y.Address,
            LogSumExp = (float*)logSumExp.Address,
            DOutput = (float*)dy.Address,
            DQ = (float*)dq.Address,
            DK = (float*)dk.Address,
            DV = (float*)dv.Address,
            KeyPadding = mask.KeyPadding is { } padding ? (byte*)padding.Address : null,
            Bias = HeadMatrices.Of(mask.Bias),
            DBias = HeadMatrices.Of(dBias),
            Causal = mask.Causal,
            Batch = batch,
            Queries = queries,
            Keys = keys,
            Heads = heads,
            Depth = depth,
            Columns = columns,
            BatchGroups = batches,
            HeadGroups = rows,
            KeyBlock = keyBlock,
            KeyParts = keyParts,
            QueryParts = queryParts,
            PartKeys = whole ? keys : keyBlock,
            PartQueries = whole ? queries : queryBlock,
            Scale = scale,
        }, groups * (keyParts + queryParts));
    }
}
