namespace PeaEngine.Diffusion.UNet;

/// <summary>
/// The outputs of a UNet's blocks, collected by a forward pass when asked for: <c>d0</c> … (after the downsampler), <c>m</c>,
/// <c>u0</c> … (after the upsampler), each [B, H, W, C]. They stay at the arena's kept end until the caller releases them there.
/// </summary>
public sealed class UNetFeatures
{
    readonly List<KeyValuePair<string, Tensor>> blocks = [];

    /// <summary>The features in the order in which they were computed.</summary>
    public IReadOnlyList<KeyValuePair<string, Tensor>> Blocks => blocks;

    internal void Add(string name, Tensor feature) => blocks.Add(new(name, feature));
}
