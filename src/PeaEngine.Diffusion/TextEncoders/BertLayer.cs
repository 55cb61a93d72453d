using PeaEngine.Layers;

namespace PeaEngine.Diffusion.TextEncoders;

/// <summary>transformers BertLayer: norm(x + attention(x)), then norm(x + dense(activation(dense(x)))). x [B, T, C], in place.</summary>
sealed class BertLayer
{
    readonly SelfAttention attention;
    readonly LayerNorm attentionNorm, outputNorm;
    readonly Linear intermediate, output;
    readonly Activation activation;

    /// <summary>Takes <c>attention</c>, <c>intermediate</c> and <c>output</c>.</summary>
    public BertLayer(Weights w, BertConfig config)
    {
        int c = config.HiddenSize, inner = config.IntermediateSize;
        Weights self = w / "attention" / "self", projection = w / "attention" / "output";
        attention = new(new(self / "query", c, c), new(self / "key", c, c), new(self / "value", c, c), new(projection / "dense", c, c), config.AttentionHeads);
        attentionNorm = new(projection / "LayerNorm", c, config.LayerNormEpsilon);
        intermediate = new(w / "intermediate" / "dense", c, inner);
        output = new(w / "output" / "dense", inner, c);
        outputNorm = new(w / "output" / "LayerNorm", c, config.LayerNormEpsilon);
        activation = config.HiddenActivation;
    }

    /// <summary>Overwrites x [B, T, C].</summary>
    public void Forward(Pass p, Tensor x, AttentionMask mask)
    {
        using var scope = p.Scratch();
        attention.Forward(p, x, x, mask);
        attentionNorm.Forward(p, x, x);
        output.Forward(p, intermediate.Forward(p, x, activation), x, residual: x);
        outputNorm.Forward(p, x, x);
    }
}
