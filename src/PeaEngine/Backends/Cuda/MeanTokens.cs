using PeaEngine.Cuda;

namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    const int MeanThreads = 128;

    /// <inheritdoc/>
    public override void MeanTokens(Tensor x, Tensor? mask, Tensor y)
    {
        CheckTypes("mean_tokens", y, x);
        int batch = x.Shape[0], tokens = x.Shape[1], channels = x.Shape[2];
        Launch("mean_tokens", new("mean_tokens", Suffix(y.DType)), y, new(new Extents(Blocks(channels, MeanThreads), batch), MeanThreads), x.Address, Address(mask), y.Address, tokens, channels);
    }
}
