namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    const int RescaleThreads = 512;

    /// <inheritdoc/>
    public override void RescaleGuidance(Tensor noise, Tensor text, float phi)
    {
        CheckSingle("rescale_guidance", noise, text);
        Launch("rescale_guidance", new("rescale_guidance"), noise, new(noise.Shape[0], RescaleThreads), noise.Address, text.Address, noise.Elements / noise.Shape[0], phi);
    }
}
