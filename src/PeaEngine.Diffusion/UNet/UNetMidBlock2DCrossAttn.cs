using PeaEngine.Diffusion.Blocks;

namespace PeaEngine.Diffusion.UNet;

/// <summary>diffusers UNetMidBlock2DCrossAttn: a resnet, a transformer, a resnet. x [B, H, W, C] to the same shape.</summary>
sealed class UNetMidBlock2DCrossAttn
{
    readonly ResnetBlock2D resnet0, resnet1;
    readonly Transformer2DModel attention;

    /// <summary>Takes the middle of the configuration.</summary>
    public UNetMidBlock2DCrossAttn(Weights w, UNetEncoderConfig config, List<Attention> crossAttentions)
    {
        var channels = config.BlockOutChannels[^1];
        resnet0 = new(w / "resnets" / 0, channels, channels, config.TimeEmbedDim, config.NormNumGroups, config.NormEps);
        attention = new(w / "attentions" / 0, channels, config.NumAttentionHeads[^1], config.DownTransformerLayers[^1][0],
            config.CrossAttentionDim[^1], config.NormNumGroups, crossAttentions);
        resnet1 = new(w / "resnets" / 1, channels, channels, config.TimeEmbedDim, config.NormNumGroups, config.NormEps);
    }

    /// <summary>x to a tensor of its shape: <paramref name="y"/> [B, H, W, C], or where a backward pass will need that, another.</summary>
    public Tensor Forward(Pass p, Tensor x, Tensor y, Tensor act, UNetConditioning c)
    {
        p.ThrowIfCancelled();
        if (!p.Recomputes) return Layers(p, x, y, act, c);
        Layers(p.Forgetting(), x, y, act, c);
        p.Saved!.Push(x);
        return y;
    }

    Tensor Layers(Pass p, Tensor x, Tensor y, Tensor act, UNetConditioning c)
    {
        resnet0.Forward(p, x, y, act);
        y = attention.Forward(p, y, c);
        var last = p.Over(y);
        resnet1.Forward(p, y, last, act);
        return last;
    }

    /// <summary>A new tensor: the gradient of x. That of act is added to <paramref name="dAct"/>, those of keys and values go to <paramref name="c"/>.</summary>
    public Tensor Backward(Pass p, Tensor act, UNetConditioning c, Tensor dy, Tensor dAct)
    {
        var mark = p.Arena.KeptBytes;
        if (p.Recomputes) Layers(p, p.Saved!.Pop(), p.Keep(dy.Shape), act, c);
        var dx = resnet1.Backward(p, act, dy, dAct);
        attention.Backward(p, c, dx);
        dx = resnet0.Backward(p, act, dx, dAct);
        p.Arena.ReleaseKept(mark);
        return dx;
    }
}
