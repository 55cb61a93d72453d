using PeaEngine.Diffusion.Blocks;
using PeaEngine.Layers;

namespace PeaEngine.Diffusion.UNet;

/// <summary>
/// diffusers BasicTransformerBlock: self-attention, cross-attention to the prompt and a GEGLU feed-forward, each of a LayerNorm and
/// each added to x [B, T, features].
/// </summary>
sealed class BasicTransformerBlock
{
    readonly LayerNorm norm1, norm2, norm3;
    readonly Attention attn1, attn2;
    readonly FeedForward ff;
    readonly int crossIndex;

    /// <summary>Takes the block's weights and adds its cross-attention to <paramref name="crossAttentions"/>.</summary>
    public BasicTransformerBlock(Weights w, int heads, int headDim, int contextFeatures, List<Attention> crossAttentions)
    {
        var features = heads * headDim;
        norm1 = new(w / "norm1", features);
        attn1 = new(w / "attn1", features, features, heads, headDim);
        norm2 = new(w / "norm2", features);
        attn2 = new(w / "attn2", features, contextFeatures, heads, headDim);
        norm3 = new(w / "norm3", features);
        ff = new(w / "ff", features);
        crossIndex = crossAttentions.Count;
        crossAttentions.Add(attn2);
    }

    /// <summary>Overwrites x [B, T, features].</summary>
    public void Forward(Pass p, Tensor x, UNetConditioning c)
    {
        using var scope = p.Scratch();
        var normed = norm1.Forward(p, x);
        attn1.Forward(p, normed, x);
        norm2.Forward(p, x, normed);
        attn2.Forward(p, normed, c.Keys[crossIndex], c.Values[crossIndex], x);
        norm3.Forward(p, x, normed);
        ff.Forward(p, normed, x);
    }
}

/// <summary>diffusers FeedForward with GEGLU: net.2(geglu(x)), four times as wide inside. x [B, T, features].</summary>
sealed class FeedForward(Weights w, int features)
{
    readonly Geglu geglu = new(w / "net" / 0, features, 4 * features);
    readonly Linear project = new(w / "net" / 2, 4 * features, features);

    /// <summary>Adds to <paramref name="residual"/> [B, T, features].</summary>
    public void Forward(Pass p, Tensor x, Tensor residual)
    {
        using var scope = p.Scratch();
        project.Forward(p, geglu.Forward(p, x), residual, residual: residual);
    }
}
