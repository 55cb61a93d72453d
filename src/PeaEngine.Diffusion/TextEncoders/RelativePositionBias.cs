using PeaEngine.Layers;

namespace PeaEngine.Diffusion.TextEncoders;

/// <summary>T5's bias of attention by the distance from query to key (arXiv 1910.07467, section 2.1), of an encoder: both directions.</summary>
sealed class RelativePositionBias
{
    readonly Embedding table;
    readonly int heads;

    /// <summary>Takes <c>weight</c> [buckets, heads].</summary>
    public RelativePositionBias(Weights w, T5Config config)
    {
        heads = config.AttentionHeads;
        table = new(w, config.RelativeAttentionBuckets, heads);
    }

    /// <summary>Writes y [1, heads, T, T] from the buckets [T, T] of <see cref="Buckets"/>.</summary>
    public void Forward(Pass p, ReadOnlySpan<int> buckets, Tensor y)
    {
        using var scope = p.Scratch();
        var rows = p.New([1, buckets.Length, heads], y.DType);
        table.Forward(p, buckets, rows);
        p.Backend.ToChannelsFirst(rows.Reshape([1, y.Shape[2], y.Shape[3], heads]), y);
    }

    /// <summary>Adds to the gradient of the table, where it is collected, from dy [1, heads, T, T].</summary>
    public void Backward(Pass p, Tensor dy)
    {
        using var scope = p.Scratch();
        var rows = p.New([1, dy.Shape[2] * dy.Shape[3], heads], dy.DType);
        p.Backend.ToChannelsLast(dy, rows.Reshape([1, dy.Shape[2], dy.Shape[3], heads]));
        table.Backward(p, rows);
    }

    /// <summary>The bucket of every query and key [T, T].</summary>
    public static int[] Buckets(int tokens, T5Config config)
    {
        var buckets = new int[tokens * tokens];
        for (var query = 0; query < tokens; query++)
            for (var key = 0; key < tokens; key++) buckets[query * tokens + key] = Bucket(key - query, config.RelativeAttentionBuckets, config.RelativeAttentionDistance);
        return buckets;
    }

    /// <summary>
    /// transformers' bucket of a distance: forward ones in the upper half; in each half short distances one by one, then ever more together,
    /// up to <paramref name="maxDistance"/>. Rounded where PyTorch rounds.
    /// </summary>
    public static int Bucket(int distance, int buckets, int maxDistance)
    {
        int half = buckets / 2, exact = half / 2, offset = distance > 0 ? half : 0, length = Math.Abs(distance);
        if (length < exact) return offset + length;
        var steps = MathF.Log(length / (float)exact) / (float)Math.Log(maxDistance / (double)exact) * (half - exact);
        return offset + Math.Min(exact + (int)steps, half - 1);
    }
}
