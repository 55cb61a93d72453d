namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    const int RescaleThreads = 512;

    /// <inheritdoc/>
    public override void RescaleGuidance(Tensor noise, Tensor text, float phi)
    {
        if (noise.DType != DType.F32 || text.DType != DType.F32) throw new PeaException($"rescale_guidance: {noise} and {text}, expected F32");
        Launch("rescale_guidance", new("rescale_guidance"), noise, new(noise.Shape[0], RescaleThreads), noise.Address, text.Address, noise.Elements / noise.Shape[0], phi);
    }
}
