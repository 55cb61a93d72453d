using PeaEngine.Diffusion.Blocks;

namespace PeaEngine.Diffusion.UNet;

/// <summary>diffusers UpBlock2D: resnets, each over its input and a skip connection, then an upsampler in all blocks but the last.</summary>
class UpBlock2D
{
    readonly ResnetBlock2D[] resnets;
    readonly Upsample2D? upsampler;
    readonly int channels;
    readonly int[] skipChannels;

    /// <summary>Takes block <paramref name="index"/>, counted from the middle.</summary>
    protected UpBlock2D(Weights w, UNetConfig config, int index)
    {
        var last = config.BlockOutChannels.Count - 1;
        channels = config.BlockOutChannels[last - index];
        int previous = config.BlockOutChannels[Math.Min(last - index + 1, last)], input = config.BlockOutChannels[Math.Max(last - index - 1, 0)];
        resnets = new ResnetBlock2D[config.LayersPerBlock[last - index] + 1];
        skipChannels = new int[resnets.Length];
        for (var i = 0; i < resnets.Length; i++)
        {
            skipChannels[i] = i == resnets.Length - 1 ? input : channels;
            resnets[i] = new(w / "resnets" / i, (i == 0 ? previous : channels) + skipChannels[i], channels, config.TimeEmbedDim, config.NormNumGroups, config.NormEps);
        }
        if (index < last) upsampler = new(w / "upsamplers" / 0, channels);
    }

    /// <summary>The block of the type that the configuration names.</summary>
    public static UpBlock2D Load(Weights w, UNetConfig config, int index, List<Attention> crossAttentions) =>
        config.UpBlockTypes[index] == nameof(CrossAttnUpBlock2D)
            ? new CrossAttnUpBlock2D(w, config, index, crossAttentions)
            : new UpBlock2D(w, config, index);

    /// <summary>
    /// x [B, H, W, C] to the block's output. The upsampler goes to the size of the next skip connection, which is not twice H and W
    /// where a downsampler rounded.
    /// </summary>
    public Tensor Forward(Pass p, Tensor x, Tensor act, UNetConditioning c, SkipConnections skips)
    {
        if (upsampler == null)
        {
            var output = Layers(p, x, skips.Output(x.Shape.WithLast(channels)), act, c, skips);
            p.Saved?.Push(x);
            return output;
        }
        var y = skips.Output(skips.Peek(resnets.Length).WithLast(channels));
        using var scope = p.Scratch();
        upsampler.Forward(p, Layers(p, x, p.Save(x.Shape.WithLast(channels)), act, c, skips), y);
        p.Saved?.Push(x);
        return y;
    }

    /// <summary>A new tensor: the gradient of x. Those of the skip connections go on top of one another in <paramref name="c"/>, the first one's first.</summary>
    public Tensor Backward(Pass p, Tensor act, UNetConditioning c, Tensor dy)
    {
        var g = c.Gradients!;
        var dx = p.New(p.Saved!.Pop().Shape);
        using var scope = p.Scratch();
        if (upsampler != null) dy = upsampler.Backward(p, dy);
        for (var i = resnets.Length - 1; i >= 0; i--)
        {
            p.ThrowIfCancelled();
            var dSkip = p.Keep(dy.Shape.WithLast(skipChannels[i]));
            var mark = p.Arena.KeptBytes;
            if (p.Recomputes)
            {
                Tensor skip = p.Saved.Pop(), x = p.Saved.Pop();
                Layer(p, i, Concat(p, x, skip), p.Keep(dy.Shape), act, c);
            }
            AttendBackward(p, i, c, dy);
            var dConcat = resnets[i].Backward(p, act, dy, g.Act);
            p.Arena.ReleaseKept(mark);
            dy = i == 0 ? dx : p.New(dy.Shape);
            p.Backend.Split(dConcat, dy, dSkip);
            g.Skips.Push(dSkip);
        }
        return dx;
    }

    /// <summary>What follows a resnet: x, or where a backward pass will need that, another tensor.</summary>
    protected virtual Tensor Attend(Pass p, int layer, Tensor x, UNetConditioning c) => x;

    /// <summary>Turns a gradient, in place.</summary>
    protected virtual void AttendBackward(Pass p, int layer, UNetConditioning c, Tensor dx) { }

    Tensor Layers(Pass p, Tensor x, Tensor y, Tensor act, UNetConditioning c, SkipConnections skips)
    {
        for (var i = 0; i < resnets.Length; i++)
        {
            p.ThrowIfCancelled();
            Tensor input = i == 0 ? x : y, next = i == 0 ? y : p.Over(y);
            using var scope = p.Scratch();
            if (p.Recomputes)
            {
                var skip = skips.Pop();
                var forgetting = p.Forgetting();
                Layer(forgetting, i, Concat(forgetting, input, skip), next, act, c);
                p.Saved!.Push(input);
                p.Saved.Push(skip);
                y = next;
            }
            else y = Layer(p, i, skips.Concat(input), next, act, c);
        }
        return y;
    }

    /// <summary>A resnet, which may overwrite its input, and what follows it: y, or where a backward pass will need that, another tensor.</summary>
    Tensor Layer(Pass p, int layer, Tensor x, Tensor y, Tensor act, UNetConditioning c)
    {
        using (p.Scratch()) resnets[layer].Forward(p, x, y, act, consume: true);
        return Attend(p, layer, y, c);
    }

    static Tensor Concat(Pass p, Tensor x, Tensor skip)
    {
        var y = p.Save(x.Shape.WithLast(x.Shape[-1] + skip.Shape[-1]));
        p.Backend.Concat(x, skip, y);
        return y;
    }
}

/// <summary>diffusers CrossAttnUpBlock2D: a transformer after every resnet.</summary>
sealed class CrossAttnUpBlock2D : UpBlock2D
{
    readonly Transformer2DModel[] attentions;

    /// <summary>Takes block <paramref name="index"/>, counted from the middle.</summary>
    public CrossAttnUpBlock2D(Weights w, UNetConfig config, int index, List<Attention> crossAttentions) : base(w, config, index)
    {
        var level = config.BlockOutChannels.Count - 1 - index;
        attentions = new Transformer2DModel[config.LayersPerBlock[level] + 1];
        for (var i = 0; i < attentions.Length; i++)
            attentions[i] = new(w / "attentions" / i, config.BlockOutChannels[level], config.NumAttentionHeads[level],
                config.UpTransformerLayers[index][i], config.CrossAttentionDim[level], config.NormNumGroups, crossAttentions);
    }

    /// <inheritdoc/>
    protected override Tensor Attend(Pass p, int layer, Tensor x, UNetConditioning c) => attentions[layer].Forward(p, x, c);

    /// <inheritdoc/>
    protected override void AttendBackward(Pass p, int layer, UNetConditioning c, Tensor dx) => attentions[layer].Backward(p, c, dx);
}
