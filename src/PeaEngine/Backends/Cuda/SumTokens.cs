using PeaEngine.Cuda;

namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void SumTokens(Tensor x, Tensor y)
    {
        int batch = x.Shape[0], tokens = x.Shape[1], channels = x.Shape[2];
        var (chunk, chunks) = Chunks(tokens);
        if (chunks == 0) return;
        var parts = Workspace((long)sizeof(float) * batch * chunks * channels);
        Launch("sum_tokens", new("sum_tokens", Suffix(x.DType)), y, new(new(Blocks(channels, NormColumns * VectorElements(x.DType)), chunks, batch), new Extents(NormColumns, NormRows)),
            x.Address, parts, tokens, channels, chunk);
        AddParts(parts, y, chunks, batch);
    }
}
