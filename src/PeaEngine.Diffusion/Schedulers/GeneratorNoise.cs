using PeaEngine.Randomness;

namespace PeaEngine.Diffusion.Schedulers;

/// <summary>Noise of a torch generator: each draw covers the whole batch, in the tensor's own order.</summary>
/// <param name="backend">Where the tensors live.</param>
/// <param name="generator">The call's generator.</param>
public sealed class GeneratorNoise(Backend backend, TorchGenerator generator) : INoiseSource
{
    float[] drawn = [];

    /// <inheritdoc/>
    public void Fill(Tensor noise)
    {
        var elements = checked((int)noise.Elements);
        if (drawn.Length != elements) drawn = new float[elements];
        generator.Randn(drawn);
        backend.Upload(drawn.AsSpan(), noise);
    }
}
