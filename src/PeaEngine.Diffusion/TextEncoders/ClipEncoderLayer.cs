using PeaEngine.Layers;

namespace PeaEngine.Diffusion.TextEncoders;

/// <summary>transformers CLIPEncoderLayer: x + attention(norm(x)), causal, then x + fc2(activation(fc1(norm(x)))). x [B, T, C].</summary>
sealed class ClipEncoderLayer
{
    static readonly AttentionMask Mask = new(Causal: true);

    readonly LayerNorm layerNorm1, layerNorm2;
    readonly SelfAttention selfAttention;
    readonly Mlp mlp;

    /// <summary>Takes <c>layer_norm1</c>, <c>self_attn</c>, <c>layer_norm2</c> and <c>mlp</c>.</summary>
    public ClipEncoderLayer(Weights w, ClipTextConfig config)
    {
        int c = config.HiddenSize, inner = config.IntermediateSize;
        var attention = w / "self_attn";
        layerNorm1 = new(w / "layer_norm1", c, config.LayerNormEpsilon);
        layerNorm2 = new(w / "layer_norm2", c, config.LayerNormEpsilon);
        selfAttention = new(
            new(attention / "q_proj", c, c), new(attention / "k_proj", c, c), new(attention / "v_proj", c, c), new(attention / "out_proj", c, c), config.AttentionHeads);
        mlp = new(new(w / "mlp" / "fc1", c, inner), config.HiddenActivation, new(w / "mlp" / "fc2", inner, c));
    }

    /// <summary>x [B, T, C] to a tensor of its shape: x itself, or where a backward pass will need that, another.</summary>
    public Tensor Forward(Pass p, Tensor x)
    {
        Tensor attended = p.Over(x), y = p.Over(attended);
        using var scope = p.Scratch();
        var normed = layerNorm1.Forward(p, x);
        selfAttention.Forward(p, normed, x, attended, Mask);
        layerNorm2.Forward(p, attended, normed);
        mlp.Forward(p, normed, y, residual: attended);
        p.Saved?.Push(x);
        p.Saved?.Push(attended);
        return y;
    }

    /// <summary>Turns the gradient of y [B, T, C], in place, into that of x. The norms are computed again.</summary>
    public void Backward(Pass p, Tensor dx)
    {
        Tensor attended = p.Saved!.Pop(), x = p.Saved.Pop();
        using var scope = p.Scratch();
        var dNormed = p.New(x.Shape);
        using (p.Scratch()) mlp.Backward(p, layerNorm2.Forward(p, attended), dx, dNormed);
        layerNorm2.Backward(p, attended, dNormed, dx, residual: dx);
        using (p.Scratch()) selfAttention.Backward(p, layerNorm1.Forward(p, x), dx, dNormed, mask: Mask);
        layerNorm1.Backward(p, x, dNormed, dx, residual: dx);
    }
}
