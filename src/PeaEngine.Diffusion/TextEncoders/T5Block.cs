using PeaEngine.Layers;

namespace PeaEngine.Diffusion.TextEncoders;

/// <summary>transformers T5Block of an encoder: x + attention(norm(x)), then x + wo(wi_1(norm(x)) · activation(wi_0(norm(x)))). x [B, T, C].</summary>
sealed class T5Block
{
    readonly RmsNorm attentionNorm, feedForwardNorm;
    readonly SelfAttention attention;
    readonly FeedForward feedForward;

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
        feedForward = new(new(dense, c, config.IntermediateSize, config.GateActivation), new(dense / "wo", config.IntermediateSize, c, bias: false));
    }

    /// <summary>x [B, T, C] to a tensor of its shape: x itself, or where a backward pass will need that, another.</summary>
    public Tensor Forward(Pass p, Tensor x, AttentionMask mask)
    {
        Tensor attended = p.Over(x), y = p.Over(attended);
        using var scope = p.Scratch();
        var normed = attentionNorm.Forward(p, x);
        attention.Forward(p, normed, x, attended, mask);
        feedForwardNorm.Forward(p, attended, normed);
        feedForward.Forward(p, normed, attended, y);
        p.Saved?.Push(x);
        p.Saved?.Push(attended);
        return y;
    }

    /// <summary>Turns the gradient of y [B, T, C], in place, into that of x; that of the mask's bias is added to <paramref name="dBias"/> [1, heads, T, T]. The norms are computed again.</summary>
    public void Backward(Pass p, AttentionMask mask, Tensor dx, Tensor dBias)
    {
        Tensor attended = p.Saved!.Pop(), x = p.Saved.Pop();
        using (p.Scratch())
            feedForwardNorm.Backward(p, attended, feedForward.Backward(p, feedForwardNorm.Forward(p, attended), dx), dx, residual: dx);
        using var scope = p.Scratch();
        var dNormed = p.New(x.Shape);
        attention.Backward(p, attentionNorm.Forward(p, x), dx, dNormed, mask: mask, dBias: dBias);
        attentionNorm.Backward(p, x, dNormed, dx, residual: dx);
    }
}
