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

    /// <summary>Gradients of blocks' outputs, to be given to a backward pass.</summary>
    public static UNetFeatures Of(IEnumerable<KeyValuePair<string, Tensor>> blocks)
    {
        var features = new UNetFeatures();
        features.blocks.AddRange(blocks);
        return features;
    }

    /// <summary>Adds the tensor of a block, if there is one, to <paramref name="sum"/>.</summary>
    internal void AddTo(Pass p, string name, Tensor sum)
    {
        foreach (var (block, tensor) in blocks)
            if (block == name) p.Backend.Combine(sum, new(1, sum), new(1, tensor));
    }

    internal void Add(string name, Tensor feature) => blocks.Add(new(name, feature));
}
