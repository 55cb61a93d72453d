namespace PeaEngine.Diffusion.UNet;

/// <summary>
/// The gradients that a backward pass through a UNet collects for its conditioning, at the arena's kept end: of the keys and values of every
/// cross-attention, and of the time embedding. <see cref="UNet2DConditionModel.ConditionBackward"/> turns them into those of text.
/// </summary>
sealed class UNetGradients
{
    /// <summary>Memory for the cross-attentions of <paramref name="c"/>.</summary>
    public UNetGradients(Pass p, UNetConditioning c, int timeEmbedDim)
    {
        Act = p.Keep([c.Batch, timeEmbedDim]);
        p.Backend.Clear(Act);
        Keys = Array.ConvertAll(c.Keys, keys => p.Keep(keys.Shape));
        Values = Array.ConvertAll(c.Values, values => p.Keep(values.Shape));
    }

    /// <summary>Per cross-attention [B, T, heads·D].</summary>
    public Tensor[] Keys { get; }

    /// <summary>Per cross-attention [B, T, heads·D].</summary>
    public Tensor[] Values { get; }

    /// <summary>[B, time_embed_dim]: of silu of the time embedding, and in the end of the embedding itself.</summary>
    public Tensor Act { get; }

    /// <summary>Of the skip connections: the up blocks put theirs on top, the down blocks take them off.</summary>
    public Stack<Tensor> Skips { get; } = new();
}
