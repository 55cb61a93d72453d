using PeaEngine.Diffusion.Blocks;
using PeaEngine.Layers;

namespace PeaEngine.Diffusion.Vae;

/// <summary>diffusers Encoder: pictures [B, H, W, in_channels] to moments [B, H/f, W/f, 2·latent_channels].</summary>
sealed class Encoder
{
    readonly Conv2d convIn, convOut;
    readonly DownEncoderBlock2D[] downBlocks;
    readonly UNetMidBlock2D midBlock;
    readonly GroupNorm convNormOut;
    readonly int channels;

    /// <summary>Takes the weights.</summary>
    /// <param name="w">Where they are.</param>
    /// <param name="config">The sizes.</param>
    /// <param name="scale">Of the residual stream, see <see cref="VaeBlocks.Scale"/>.</param>
    public Encoder(Weights w, AutoencoderKLConfig config, float scale)
    {
        var blocks = config.BlockOutChannels;
        channels = blocks[0];
        convIn = new((w / "conv_in").Scaled(scale, scale), config.InChannels, channels, 3);
        downBlocks = new DownEncoderBlock2D[blocks.Count];
        for (var i = 0; i < downBlocks.Length; i++)
            downBlocks[i] = new(w / "down_blocks" / i, blocks[Math.Max(i - 1, 0)], blocks[i], config, downsample: i < blocks.Count - 1, scale);
        midBlock = new(w / "mid_block", blocks[^1], layers: 1, config.MidBlockAddAttention, timeChannels: 0, config.NormNumGroups, VaeBlocks.Epsilon, scale);
        convNormOut = new(w / "conv_norm_out", blocks[^1], config.NormNumGroups, VaeBlocks.Epsilon * scale * scale, silu: true);
        convOut = new(w / "conv_out", blocks[^1], 2 * config.LatentChannels, 3);
    }

    /// <summary>Writes y.</summary>
    public void Forward(Pass p, Tensor x, Tensor y)
    {
        using var chain = new ActivationChain(p, x);
        var hidden = chain.Next(x.Shape.WithLast(channels));
        convIn.Forward(p, x, hidden);
        p.Saved?.Push(x);
        chain.Advance(hidden);
        foreach (var block in downBlocks) block.Forward(p, chain);
        chain.Replace(midBlock.Forward(p, chain.Current, p.Over(chain.Current), act: null));
        VaeBlocks.Output(p, convNormOut, convOut, chain.Current, y);
    }

    /// <summary>The backward pass of <see cref="Forward"/>; the gradient of x is written where <paramref name="dx"/> is given.</summary>
    public void Backward(Pass p, Tensor dy, Tensor? dx)
    {
        using var scope = p.Scratch();
        var dHidden = VaeBlocks.OutputBackward(p, convNormOut, convOut, dy);
        dHidden = midBlock.Backward(p, act: null, dHidden, dAct: null);
        for (var i = downBlocks.Length - 1; i >= 0; i--) dHidden = downBlocks[i].Backward(p, dHidden);
        convIn.Train(p, p.Saved!.Pop(), dHidden);
        if (dx is { } ofX) convIn.Backward(p, dHidden, ofX);
    }
}

/// <summary>diffusers DownEncoderBlock2D: resnets, then a downsampler that pads below and to the right only.</summary>
sealed class DownEncoderBlock2D
{
    readonly ResnetBlock2D[] resnets;
    readonly Downsample2D? downsampler;

    /// <summary>Takes the weights.</summary>
    public DownEncoderBlock2D(Weights w, int inChannels, int outChannels, AutoencoderKLConfig config, bool downsample, float scale)
    {
        resnets = VaeBlocks.Resnets(w, inChannels, outChannels, config.LayersPerBlock, config.NormNumGroups, scale);
        downsampler = downsample ? new((w / "downsamplers" / 0).Scaled(1, scale), outChannels, padding: 0) : null;
    }

    /// <summary>Moves the chain on.</summary>
    public void Forward(Pass p, ActivationChain chain)
    {
        VaeBlocks.Forward(p, resnets, chain);
        if (downsampler == null) return;
        var y = chain.Next(downsampler.OutputShape(chain.Current.Shape));
        downsampler.Forward(p, chain.Current, y);
        chain.Advance(y);
    }

    /// <summary>A new tensor: the gradient of the block's input.</summary>
    public Tensor Backward(Pass p, Tensor dy) => VaeBlocks.Backward(p, resnets, downsampler == null ? dy : downsampler.Backward(p, dy));
}
