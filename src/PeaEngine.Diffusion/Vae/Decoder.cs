using PeaEngine.Diffusion.Blocks;
using PeaEngine.Layers;

namespace PeaEngine.Diffusion.Vae;

/// <summary>diffusers Decoder: latents [B, h, w, latent_channels] to pictures [B, h·f, w·f, out_channels].</summary>
sealed class Decoder
{
    readonly Conv2d convIn, convOut;
    readonly UpDecoderBlock2D[] upBlocks;
    readonly UNetMidBlock2D midBlock;
    readonly GroupNorm convNormOut;
    readonly int channels;

    /// <summary>Takes the weights.</summary>
    /// <param name="w">Where they are.</param>
    /// <param name="config">The sizes.</param>
    /// <param name="scale">Of the residual stream, see <see cref="VaeBlocks.Scale"/>.</param>
    public Decoder(Weights w, AutoencoderKLConfig config, float scale)
    {
        var blocks = config.BlockOutChannels;
        channels = blocks[^1];
        convIn = new((w / "conv_in").Scaled(scale, scale), config.LatentChannels, channels, 3);
        midBlock = new(w / "mid_block", channels, layers: 1, config.MidBlockAddAttention, timeChannels: 0, config.NormNumGroups, VaeBlocks.Epsilon, scale);
        upBlocks = new UpDecoderBlock2D[blocks.Count];
        for (var i = 0; i < upBlocks.Length; i++)
            upBlocks[i] = new(w / "up_blocks" / i, blocks[^Math.Max(i, 1)], blocks[^(i + 1)], config, upsample: i < blocks.Count - 1, scale);
        convNormOut = new(w / "conv_norm_out", blocks[0], config.NormNumGroups, VaeBlocks.Epsilon * scale * scale, silu: true);
        convOut = new(w / "conv_out", blocks[0], config.OutChannels, 3);
    }

    /// <summary>Writes y.</summary>
    public void Forward(Pass p, Tensor x, Tensor y)
    {
        using var chain = new ActivationChain(p, x);
        var hidden = chain.Next(x.Shape.WithLast(channels));
        convIn.Forward(p, x, hidden);
        p.Saved?.Push(x);
        chain.Advance(hidden);
        chain.Replace(midBlock.Forward(p, chain.Current, p.Over(chain.Current), act: null));
        foreach (var block in upBlocks) block.Forward(p, chain);
        VaeBlocks.Output(p, convNormOut, convOut, chain.Current, y);
    }

    /// <summary>The backward pass of <see cref="Forward"/>; the gradient of x is written where <paramref name="dx"/> is given.</summary>
    public void Backward(Pass p, Tensor dy, Tensor? dx)
    {
        using var scope = p.Scratch();
        var dHidden = VaeBlocks.OutputBackward(p, convNormOut, convOut, dy);
        for (var i = upBlocks.Length - 1; i >= 0; i--) dHidden = upBlocks[i].Backward(p, dHidden);
        dHidden = midBlock.Backward(p, act: null, dHidden, dAct: null);
        convIn.Train(p, p.Saved!.Pop(), dHidden);
        if (dx is { } ofX) convIn.Backward(p, dHidden, ofX);
    }
}

/// <summary>diffusers UpDecoderBlock2D: resnets, then an upsampler to twice the size.</summary>
sealed class UpDecoderBlock2D
{
    readonly ResnetBlock2D[] resnets;
    readonly Upsample2D? upsampler;

    /// <summary>Takes the weights.</summary>
    public UpDecoderBlock2D(Weights w, int inChannels, int outChannels, AutoencoderKLConfig config, bool upsample, float scale)
    {
        resnets = VaeBlocks.Resnets(w, inChannels, outChannels, config.LayersPerBlock + 1, config.NormNumGroups, scale);
        upsampler = upsample ? new((w / "upsamplers" / 0).Scaled(1, scale), outChannels) : null;
    }

    /// <summary>Moves the chain on.</summary>
    public void Forward(Pass p, ActivationChain chain)
    {
        VaeBlocks.Forward(p, resnets, chain);
        if (upsampler == null) return;
        var x = chain.Current.Shape;
        var y = chain.Next([x[0], 2 * x[1], 2 * x[2], x[3]]);
        upsampler.Forward(p, chain.Current, y);
        chain.Advance(y);
    }

    /// <summary>A new tensor: the gradient of the block's input.</summary>
    public Tensor Backward(Pass p, Tensor dy) => VaeBlocks.Backward(p, resnets, upsampler == null ? dy : upsampler.Backward(p, dy));
}
