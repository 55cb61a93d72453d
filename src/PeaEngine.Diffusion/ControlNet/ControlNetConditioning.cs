using PeaEngine.Diffusion.UNet;

namespace PeaEngine.Diffusion.ControlNet;

/// <summary>
/// What a ControlNet computes once per prompt and control image and uses in every step. Made by <see cref="ControlNetModel.Condition"/>; its
/// tensors lie at the arena's kept end and live until the caller releases them there.
/// </summary>
public sealed class ControlNetConditioning
{
    internal ControlNetConditioning(UNetConditioning text, Tensor image) => (Text, Image) = (text, image);

    /// <summary>How many samples it conditions at once.</summary>
    public int Batch => Text.Batch;

    /// <summary>Keys and values of every cross-attention, and what is added to the time embedding.</summary>
    internal UNetConditioning Text { get; }

    /// <summary>[B or 1, H, W, block_out_channels[0]]: the embedded control image, added to conv_in's output.</summary>
    internal Tensor Image { get; }

    /// <summary>The memory of a step's output.</summary>
    internal UNetResiduals Residuals { get; } = new();
}
