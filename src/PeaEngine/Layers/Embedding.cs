using System.Runtime.InteropServices;

namespace PeaEngine.Layers;

/// <summary>torch's Embedding, frozen: ids [B, T] to rows [B, T, channels], with a table of positions added where asked.</summary>
public sealed class Embedding
{
    readonly Tensor table;
    readonly int count, channels;
    readonly int? paddingIdx;
    readonly string key;

    /// <summary>Takes <c>weight</c> [count, channels]. The row <paramref name="paddingIdx"/>, if there is one, is not trained.</summary>
    public Embedding(Weights w, int count, int channels, int? paddingIdx = null)
    {
        (this.count, this.channels, this.paddingIdx, key) = (count, channels, paddingIdx, w.Key("weight"));
        table = w.Take("weight", [count, channels]);
    }

    /// <summary>Writes y [B, T, channels] from B·T ids; row t of <paramref name="positions"/> is added at position t.</summary>
    /// <exception cref="PeaException">An id lies outside the table, or there are more positions than rows for them.</exception>
    public void Forward(Pass p, ReadOnlySpan<int> ids, Tensor y, Embedding? positions = null)
    {
        var shape = y.Shape;
        if (shape.Rank != 3 || shape[2] != channels || shape.Rows != ids.Length)
            throw new PeaException($"embedding: output {shape} for {ids.Length} ids, {key} wants [batch, tokens, {channels}]");
        if (positions != null && shape[1] > positions.count)
            throw new PeaException($"embedding: {shape[1]} tokens, {positions.key} has {positions.count} positions");
        for (var i = 0; i < ids.Length; i++)
            if ((uint)ids[i] >= (uint)count) throw new PeaException($"embedding: id {ids[i]} at {i % shape[1]}, {key} has the ids 0 to {count - 1}");
        using var scope = p.Scratch();
        var uploaded = p.Save([shape[0], shape[1]], DType.I32);
        p.Backend.Upload(MemoryMarshal.AsBytes(ids), uploaded);
        p.Backend.Embedding(uploaded, table, positions?.table, y);
        p.Saved?.Push(uploaded);
    }

    /// <summary>Adds to the gradients of the table and of <paramref name="positions"/>, as in forward, where they are collected. dy [B, T, channels]</summary>
    public void Backward(Pass p, Tensor dy, Embedding? positions = null)
    {
        var (ids, batch, tokens) = (p.Saved!.Pop(), dy.Shape[0], dy.Shape[1]);
        if (p.Gradients?.Of(table) is { } dTable)
        {
            p.Backend.EmbeddingBackward(ids, dy, dTable);
            if (paddingIdx is { } padding) p.Backend.Clear(dTable.Slice(padding, 1));
        }
        // A position was added to every row of the batch: its gradient is the sum over them.
        if (positions != null && p.Gradients?.Of(positions.table) is { } dPositions)
            p.Backend.SumTokens(dy.Reshape([1, batch, tokens * channels]), dPositions.Slice(0, tokens).Reshape([1, tokens * channels]));
    }
}
