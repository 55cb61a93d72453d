using PeaEngine.Diffusion.Blocks;
using PeaEngine.Layers;

namespace PeaEngine.Diffusion.UNet;

/// <summary>
/// diffusers Transformer2DModel: transformer blocks over the pixels of x [B, H, W, channels], between two projections, added to x.
/// Whether the projections are linear or 1×1 convolutions (<c>use_linear_projection</c>) is the same over channels last.
/// </summary>
sealed class Transformer2DModel
{
    /// <summary>The norm's, whatever <c>norm_eps</c> says.</summary>
    const float Epsilon = 1e-6f;

    readonly GroupNorm norm;
    readonly Linear projIn, projOut;
    readonly BasicTransformerBlock[] blocks;

    /// <summary>Takes the weights and adds every cross-attention to <paramref name="crossAttentions"/>.</summary>
    public Transformer2DModel(Weights w, int channels, int heads, int layers, int contextFeatures, int groups, List<Attention> crossAttentions)
    {
        if (heads > channels)
            throw new PeaException($"transformer: {heads} attention heads for {channels} channels at {w.Key("norm")}, expected no more heads than channels");
        var headDim = channels / heads;
        norm = new(w / "norm", channels, groups, Epsilon);
        projIn = new(w / "proj_in", channels, heads * headDim);
        blocks = new BasicTransformerBlock[layers];
        for (var i = 0; i < layers; i++) blocks[i] = new(w / "transformer_blocks" / i, heads, headDim, contextFeatures, crossAttentions);
        projOut = new(w / "proj_out", heads * headDim, channels);
    }

    /// <summary>Overwrites x [B, H, W, channels].</summary>
    public void Forward(Pass p, Tensor x, UNetConditioning c)
    {
        using var scope = p.Scratch();
        var tokens = x.Reshape([x.Shape[0], x.Shape[1] * x.Shape[2], x.Shape[3]]);
        var hidden = p.New(tokens.Shape.WithLast(projIn.OutFeatures));
        using (p.Scratch()) projIn.Forward(p, norm.Forward(p, x).Reshape(tokens.Shape), hidden);
        foreach (var block in blocks)
        {
            p.ThrowIfCancelled();
            block.Forward(p, hidden, c);
        }
        projOut.Forward(p, hidden, tokens, residual: tokens);
    }
}
