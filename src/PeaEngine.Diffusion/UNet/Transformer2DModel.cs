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

    /// <summary>x [B, H, W, channels] to a tensor of its shape: x itself, or where a backward pass will need that, another.</summary>
    public Tensor Forward(Pass p, Tensor x, UNetConditioning c)
    {
        var y = p.Over(x);
        using var scope = p.Scratch();
        var hidden = p.Save(Tokens(x).WithLast(projIn.OutFeatures));
        using (p.Scratch()) projIn.Forward(p, norm.Forward(p, x).Reshape(Tokens(x)), hidden);
        foreach (var block in blocks)
        {
            p.ThrowIfCancelled();
            hidden = block.Forward(p, hidden, c);
        }
        projOut.Forward(p, hidden, y.Reshape(Tokens(x)), residual: x.Reshape(Tokens(x)));
        p.Saved?.Push(x);
        p.Saved?.Push(hidden);
        return y;
    }

    /// <summary>Turns the gradient of y [B, H, W, channels], in place, into that of x; those of keys and values go to <paramref name="c"/>.</summary>
    public void Backward(Pass p, UNetConditioning c, Tensor dx)
    {
        Tensor hidden = p.Saved!.Pop(), x = p.Saved.Pop();
        using var scope = p.Scratch();
        projOut.Train(p, hidden, dx.Reshape(Tokens(x)));
        var dHidden = projOut.Backward(p, dx.Reshape(Tokens(x)));
        for (var i = blocks.Length - 1; i >= 0; i--)
        {
            p.ThrowIfCancelled();
            blocks[i].Backward(p, c, dHidden);
        }
        if (projIn.IsTrained(p))
            using (p.Scratch()) projIn.Train(p, norm.Forward(p, x).Reshape(Tokens(x)), dHidden);
        var dNormed = projIn.Backward(p, dHidden).Reshape(x.Shape);
        norm.Backward(p, x, dNormed, dNormed);
        p.Backend.Combine(dx, new(1, dx), new(1, dNormed));
    }

    static Shape Tokens(Tensor x) => [x.Shape[0], x.Shape[1] * x.Shape[2], x.Shape[3]];
}
