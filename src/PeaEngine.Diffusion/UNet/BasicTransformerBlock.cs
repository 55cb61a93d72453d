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
        ff = new(new(w / "ff" / "net" / 0, features, 4 * features), new(w / "ff" / "net" / 2, 4 * features, features));
        crossIndex = crossAttentions.Count;
        crossAttentions.Add(attn2);
    }

    /// <summary>x [B, T, features] to a tensor of its shape: x itself, or where a backward pass will need that, another.</summary>
    public Tensor Forward(Pass p, Tensor x, UNetConditioning c)
    {
        Tensor x1 = p.Over(x), x2 = p.Over(x1), y = p.Over(x2);
        using var scope = p.Scratch();
        var normed = norm1.Forward(p, x);
        attn1.Forward(p, normed, x, x1);
        norm2.Forward(p, x1, normed);
        attn2.Forward(p, normed, c.Keys[crossIndex], c.Values[crossIndex], x1, x2);
        norm3.Forward(p, x2, normed);
        ff.Forward(p, normed, x2, y);
        p.Saved?.Push(x);
        p.Saved?.Push(x1);
        p.Saved?.Push(x2);
        return y;
    }

    /// <summary>Turns the gradient of y [B, T, features], in place, into that of x; those of keys and values go to <paramref name="c"/>. Norms are computed again.</summary>
    public void Backward(Pass p, UNetConditioning c, Tensor dx)
    {
        Tensor x2 = p.Saved!.Pop(), x1 = p.Saved.Pop(), x = p.Saved.Pop();
        using (p.Scratch()) norm3.Backward(p, x2, ff.Backward(p, norm3.Forward(p, x2), dx), dx, residual: dx);
        using var scope = p.Scratch();
        var dNormed = p.New(x.Shape);
        using (p.Scratch())
            attn2.Backward(p, attn2.IsTrained(p) ? norm2.Forward(p, x1) : null, c.Keys[crossIndex], c.Values[crossIndex], dx, dNormed,
                c.Gradients!.Keys[crossIndex], c.Gradients.Values[crossIndex]);
        norm2.Backward(p, x1, dNormed, dx, residual: dx);
        using (p.Scratch()) attn1.Backward(p, attn1.IsTrained(p) ? norm1.Forward(p, x) : null, dx, dNormed);
        norm1.Backward(p, x, dNormed, dx, residual: dx);
    }
}
