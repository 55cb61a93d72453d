using PeaEngine.Diffusion.Blocks;
using PeaEngine.Layers;

namespace PeaEngine.Diffusion.ControlNet;

/// <summary>
/// diffusers ControlNetConditioningEmbedding: a control image [B, H, W, conditioning_channels] to [B, h, w, block_out_channels[0]]
/// by 3×3 convolutions with SiLU between them, of which every other one halves the size.
/// </summary>
sealed class ControlNetConditioningEmbedding
{
    const int Padding = 1;

    readonly Conv2d convIn, convOut;
    readonly Conv2d[] blocks;
    readonly IReadOnlyList<int> channels;
    readonly int outChannels;

    /// <summary>Takes the weights.</summary>
    public ControlNetConditioningEmbedding(Weights w, ControlNetConfig config)
    {
        (channels, outChannels) = (config.ConditioningEmbeddingOutChannels, config.BlockOutChannels[0]);
        convIn = new(w / "conv_in", config.ConditioningChannels, channels[0], 3);
        blocks = new Conv2d[2 * (channels.Count - 1)];
        for (var i = 0; i < blocks.Length; i++) blocks[i] = new(w / "blocks" / i, channels[i / 2], channels[(i + 1) / 2], 3);
        convOut = new(w / "conv_out", channels[^1], outChannels, 3);
    }

    /// <summary>The output's shape for an image's.</summary>
    public Shape OutputShape(Shape image)
    {
        var shape = image;
        for (var i = 1; i < channels.Count; i++) shape = Half(shape, channels[i]);
        return shape.WithLast(outChannels);
    }

    /// <summary>Writes y of <see cref="OutputShape"/>.</summary>
    public void Forward(Pass p, Tensor image, Tensor y)
    {
        using var chain = new ActivationChain(p, image);
        var hidden = chain.Next(image.Shape.WithLast(channels[0]));
        convIn.Forward(p, image, hidden);
        for (var i = 0; i < blocks.Length; i++)
        {
            p.ThrowIfCancelled();
            p.Backend.Activate(hidden, hidden, Activation.Silu);
            chain.Advance(hidden);
            var halves = i % 2 == 1;
            hidden = chain.Next(halves ? Half(hidden.Shape, channels[(i + 1) / 2]) : hidden.Shape);
            if (halves) blocks[i].Downsample(p, chain.Current, hidden, Padding);
            else blocks[i].Forward(p, chain.Current, hidden);
        }
        p.Backend.Activate(hidden, hidden, Activation.Silu);
        chain.Advance(hidden);
        convOut.Forward(p, hidden, y);
    }

    static Shape Half(Shape x, int channels) => [x[0], Conv2d.DownsampledSize(x[1], Padding), Conv2d.DownsampledSize(x[2], Padding), channels];
}
