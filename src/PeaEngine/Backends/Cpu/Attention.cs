namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Attention(Tensor q, Tensor k, Tensor v, Tensor y, int heads, float scale, AttentionMask mask = default, Tensor? logSumExp = null)
    {
        int batch = q.Shape[0], queries = q.Shape[1], keys = k.Shape[1], columns = q.Shape[2], depth = columns / heads;
        // A query's result does not depend on the block it is in: the block may be as short as the threads need it to have work.
        var block = AttentionJob.MaxBlock / (depth > 256 ? 2 : 1);
        while (block > AttentionJob.Strip && (long)batch * heads * SimdBlock.Count(queries, block) < 3 * Threads) block /= 2;
        var blocks = SimdBlock.Count(queries, block);
        Run(new AttentionJob
        {
            Workspaces = workspaces,
            InputQ = (float*)q.Address,
            InputK = (float*)k.Address,
            InputV = (float*)v.Address,
            Output = (float*)y.Address,
            LogSumExp = logSumExp is { } sums ? (float*)sums.Address : null,
            KeyPadding = mask.KeyPadding is { } padding ? (byte*)padding.Address : null,
            Bias = HeadMatrices.Of(mask.Bias),
            Causal = mask.Causal,
            Queries = queries,
            Keys = keys,
            Heads = heads,
            Depth = depth,
            Columns = columns,
            Block = block,
            Blocks = blocks,
            Scale = scale,
        }, batch * heads * blocks);
    }
}
