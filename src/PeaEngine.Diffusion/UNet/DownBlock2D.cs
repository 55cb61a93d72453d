using PeaEngine.Diffusion.Blocks;

namespace PeaEngine.Diffusion.UNet;

/// <summary>diffusers DownBlock2D: resnets, then a downsampler in all blocks but the last. Every output is a skip connection.</summary>
class DownBlock2D
{
    readonly ResnetBlock2D[] resnets;
    readonly Downsample2D? downsampler;

    /// <summary>Takes block <paramref name="index"/> of the configuration.</summary>
    protected DownBlock2D(Weights w, UNetEncoderConfig config, int index)
    {
        int input = config.BlockOutChannels[Math.Max(index - 1, 0)], output = config.BlockOutChannels[index];
        resnets = new ResnetBlock2D[config.LayersPerBlock[index]];
        for (var i = 0; i < resnets.Length; i++)
            resnets[i] = new(w / "resnets" / i, i == 0 ? input : output, output, config.TimeEmbedDim, config.NormNumGroups, config.NormEps);
        if (index < config.BlockOutChannels.Count - 1) downsampler = new(w / "downsamplers" / 0, output, config.DownsamplePadding);
    }

    /// <summary>The block of the type that the configuration names.</summary>
    public static DownBlock2D Load(Weights w, UNetEncoderConfig config, int index, List<Attention> crossAttentions) =>
        config.DownBlockTypes[index] == nameof(CrossAttnDownBlock2D)
            ? new CrossAttnDownBlock2D(w, config, index, crossAttentions)
            : new DownBlock2D(w, config, index);

    /// <summary>x [B, H, W, C] to the block's output, which is the top of <paramref name="skips"/>.</summary>
    public Tensor Forward(Pass p, Tensor x, Tensor act, UNetConditioning c, SkipConnections skips)
    {
        for (var i = 0; i < resnets.Length; i++)
        {
            p.ThrowIfCancelled();
            var y = skips.Push(x.Shape.WithLast(resnets[i].OutChannels));
            if (p.Recomputes)
            {
                Layer(p.Forgetting(), i, x, y, act, c);
                p.Saved!.Push(x);
                x = y;
            }
            else x = skips.Top = Layer(p, i, x, y, act, c);
        }
        if (downsampler == null) return x;
        var half = skips.Push(downsampler.OutputShape(x.Shape));
        downsampler.Forward(p, x, half);
        return half;
    }

    /// <summary>Takes the gradients of its outputs off the skip connections' and adds to that of its input, which is then their top.</summary>
    public void Backward(Pass p, Tensor act, UNetConditioning c)
    {
        var g = c.Gradients!;
        if (downsampler != null)
        {
            var dHalf = g.Skips.Pop();
            downsampler.Backward(p, dHalf, g.Skips.Peek(), residual: g.Skips.Peek());
        }
        for (var i = resnets.Length - 1; i >= 0; i--)
        {
            p.ThrowIfCancelled();
            var dy = g.Skips.Pop();
            using var scope = p.Scratch();
            var mark = p.Arena.KeptBytes;
            if (p.Recomputes)
            {
                var x = p.Saved!.Pop();
                Layer(p, i, x, p.Keep(dy.Shape), act, c);
            }
            AttendBackward(p, i, c, dy);
            var dx = resnets[i].Backward(p, act, dy, g.Act);
            p.Arena.ReleaseKept(mark);
            p.Backend.Combine(g.Skips.Peek(), new(1, g.Skips.Peek()), new(1, dx));
        }
    }

    /// <summary>A resnet and what follows it: y, or where a backward pass will need that, another tensor.</summary>
    Tensor Layer(Pass p, int layer, Tensor x, Tensor y, Tensor act, UNetConditioning c)
    {
        resnets[layer].Forward(p, x, y, act);
        return Attend(p, layer, y, c);
    }

    /// <summary>What follows a resnet: x, or where a backward pass will need that, another tensor.</summary>
    protected virtual Tensor Attend(Pass p, int layer, Tensor x, UNetConditioning c) => x;

    /// <summary>Turns a gradient, in place.</summary>
    protected virtual void AttendBackward(Pass p, int layer, UNetConditioning c, Tensor dx) { }
}

/// <summary>diffusers CrossAttnDownBlock2D: a transformer after every resnet.</summary>
sealed class CrossAttnDownBlock2D : DownBlock2D
{
    readonly Transformer2DModel[] attentions;

    /// <summary>Takes block <paramref name="index"/> of the configuration.</summary>
    public CrossAttnDownBlock2D(Weights w, UNetEncoderConfig config, int index, List<Attention> crossAttentions) : base(w, config, index)
    {
        attentions = new Transformer2DModel[config.LayersPerBlock[index]];
        for (var i = 0; i < attentions.Length; i++)
            attentions[i] = new(w / "attentions" / i, config.BlockOutChannels[index], config.NumAttentionHeads[index],
                config.DownTransformerLayers[index][i], config.CrossAttentionDim[index], config.NormNumGroups, crossAttentions);
    }

    /// <inheritdoc/>
    protected override Tensor Attend(Pass p, int layer, Tensor x, UNetConditioning c) => attentions[layer].Forward(p, x, c);

    /// <inheritdoc/>
    protected override void AttendBackward(Pass p, int layer, UNetConditioning c, Tensor dx) => attentions[layer].Backward(p, c, dx);
}
