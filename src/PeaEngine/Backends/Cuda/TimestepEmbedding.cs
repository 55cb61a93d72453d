namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void TimestepEmbedding(Tensor values, Tensor y, bool flipSinToCos, float shift)
    {
        CheckSingle("timestep_embedding", values);
        Launch("embedding", new("timestep_embedding", Suffix(y.DType)), y, Rows(y), values.Address, y.Address, y.Shape[0], y.Shape[1], flipSinToCos ? 1 : 0, shift);
    }
}
