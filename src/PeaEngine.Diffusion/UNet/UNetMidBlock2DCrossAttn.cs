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

    /// <summary>Writes y [B, H, W, C].</summary>
    public void Forward(Pass p, Tensor x, Tensor y, Tensor act, UNetConditioning c)
    {
        p.ThrowIfCancelled();
        resnet0.Forward(p, x, y, act);
        attention.Forward(p, y, c);
        resnet1.Forward(p, y, y, act);
    }
}
