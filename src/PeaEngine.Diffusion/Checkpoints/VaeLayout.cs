using PeaEngine.Diffusion.Vae;

namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>What the numbers in the original key naming of a VAE depend on.</summary>
/// <param name="Blocks">Of the encoder, and as many of the decoder.</param>
/// <param name="Layers">The resnets of an encoder's block; the decoder's have one more.</param>
readonly record struct VaeLayout(int Blocks, int Layers)
{
    /// <summary>A configuration's.</summary>
    public static VaeLayout Of(AutoencoderKLConfig config) => new(config.BlockOutChannels.Count, config.LayersPerBlock);

    /// <summary>That of a VAE's keys in the original naming, without what stands before <c>encoder</c>.</summary>
    public static VaeLayout Of(KeyModules original) => new(original.Count(i => $"encoder.down.{i}"), original.Count(i => $"encoder.down.0.block.{i}"));
}
