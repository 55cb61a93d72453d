using PeaEngine.Layers;

namespace PeaEngine.Diffusion.TextEncoders;

/// <summary>transformers BertLayer: norm(x + attention(x)), then norm(x + dense(activation(dense(x)))). x [B, T, C].</summary>
sealed class BertLayer
{
    readonly SelfAttention attention;
    readonly LayerNorm attentionNorm, outputNorm;
    readonly Mlp mlp;

    /// <summary>Takes <c>attention</c>, <c>intermediate</c> and <c>output</c>.</summary>
    public BertLayer(Weights w, BertConfig config)
    {
        int c = config.HiddenSize, inner = config.IntermediateSize;
        Weights self = w / "attention" / "self", projection = w / "attention" / "output";
        attention = new(new(self / "query", c, c), new(self / "key", c, c), new(self / "value", c, c), new(projection / "dense", c, c), config.AttentionHeads);
        attentionNorm = new(projection / "LayerNorm", c, config.LayerNormEpsilon);
        mlp = new(new(w / "intermediate" / "dense", c, inner), config.HiddenActivation, new(w / "output" / "dense", inner, c));
        outputNorm = new(w / "output" / "LayerNorm", c, config.LayerNormEpsilon);
    }

    /// <summary>x [B, T, C] to a tensor of its shape: x itself, or where a backward pass will need that, another.</summary>
    public Tensor Forward(Pass p, Tensor x, AttentionMask mask)
    {
        Tensor attended = p.Over(x), sum = p.Over(attended), y = p.Over(sum);
        using var scope = p.Scratch();
        attention.Forward(p, x, x, attended, mask);
        var normed = p.Saved == null ? attended : p.New(x.Shape);
        attentionNorm.Forward(p, attended, normed);
        mlp.Forward(p, normed, sum, residual: normed);
        outputNorm.Forward(p, sum, y);
        p.Saved?.Push(x);
        p.Saved?.Push(attended);
        p.Saved?.Push(sum);
        return y;
    }

    /// <summary>Turns the gradient of y [B, T, C], in place, into that of x. The first norm is computed again.</summary>
    public void Backward(Pass p, AttentionMask mask, Tensor dx)
    {
        Tensor sum = p.Saved!.Pop(), attended = p.Saved.Pop(), x = p.Saved.Pop();
        outputNorm.Backward(p, sum, dx, dx);
        using (p.Scratch()) mlp.Backward(p, attentionNorm.Forward(p, attended), dx, dx, residual: dx);
        attentionNorm.Backward(p, attended, dx, dx);
        attention.Backward(p, x, dx, dx, residual: dx, mask);
    }
}
