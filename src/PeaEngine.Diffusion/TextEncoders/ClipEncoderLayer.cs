using PeaEngine.Layers;

namespace PeaEngine.Diffusion.TextEncoders;

/// <summary>transformers CLIPEncoderLayer: x + attention(norm(x)), causal, then x + fc2(activation(fc1(norm(x)))). x [B, T, C], in place.</summary>
sealed class ClipEncoderLayer
{
    readonly LayerNorm layerNorm1, layerNorm2;
    readonly SelfAttention selfAttention;
    readonly Linear fc1, fc2;
    readonly Activation activation;

    /// <summary>Takes <c>layer_norm1</c>, <c>self_attn</c>, <c>layer_norm2</c> and <c>mlp</c>.</summary>
    public ClipEncoderLayer(Weights w, ClipTextConfig config)
    {
        int c = config.HiddenSize, inner = config.IntermediateSize;
        Weights attention = w / "self_attn", mlp = w / "mlp";
        layerNorm1 = new(w / "layer_norm1", c, config.LayerNormEpsilon);
        layerNorm2 = new(w / "layer_norm2", c, config.LayerNormEpsilon);
        selfAttention = new(
            new(attention / "q_proj", c, c), new(attention / "k_proj", c, c), new(attention / "v_proj", c, c), new(attention / "out_proj", c, c), config.AttentionHeads);
        fc1 = new(mlp / "fc1", c, inner);
        fc2 = new(mlp / "fc2", inner, c);
        activation = config.HiddenActivation;
    }

    /// <summary>Overwrites x [B, T, C].</summary>
    public void Forward(Pass p, Tensor x)
    {
        using var scope = p.Scratch();
        var normed = layerNorm1.Forward(p, x);
        selfAttention.Forward(p, normed, x, new(Causal: true));
        layerNorm2.Forward(p, x, normed);
        fc2.Forward(p, fc1.Forward(p, normed, activation), x, residual: x);
    }
}
