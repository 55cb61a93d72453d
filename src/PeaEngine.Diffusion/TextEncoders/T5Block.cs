using PeaEngine.Layers;

namespace PeaEngine.Diffusion.TextEncoders;

/// <summary>transformers T5Block of an encoder: x + attention(norm(x)), then x + wo(wi_1(norm(x)) · activation(wi_0(norm(x)))). x [B, T, C], in place.</summary>
sealed class T5Block
{
    readonly RmsNorm attentionNorm, feedForwardNorm;
    readonly SelfAttention attention;
    readonly Geglu gated;
    readonly Linear wo;

    /// <summary>Takes <c>layer.0</c> and <c>layer.1</c>, but no bias by distance.</summary>
    public T5Block(Weights w, T5Config config)
    {
        int c = config.HiddenSize, heads = config.AttentionHeads, inner = heads * config.HeadSize;
        Weights first = w / "layer" / 0, self = first / "SelfAttention", second = w / "layer" / 1, dense = second / "DenseReluDense";
        attentionNorm = new(first / "layer_norm", c, config.LayerNormEpsilon);
        // T5 does not scale its scores: its initialization has taken the factor up.
        attention = new(new(self / "q", c, inner, bias: false), new(self / "k", c, inner, bias: false), new(self / "v", c, inner, bias: false),
            new(self / "o", inner, c, bias: false), heads, scale: 1);
        feedForwardNorm = new(second / "layer_norm", c, config.LayerNormEpsilon);
        gated = new(dense, c, config.IntermediateSize, config.GateActivation);
        wo = new(dense / "wo", config.IntermediateSize, c, bias: false);
    }

    /// <summary>Overwrites x [B, T, C].</summary>
    public void Forward(Pass p, Tensor x, AttentionMask mask)
    {
        using var scope = p.Scratch();
        var normed = p.New(x.Shape);
        attentionNorm.Forward(p, x, normed);
        attention.Forward(p, normed, x, mask);
        feedForwardNorm.Forward(p, x, normed);
        wo.Forward(p, gated.Forward(p, normed), x, residual: x);
    }
}
