namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void Embedding(Tensor ids, Tensor table, Tensor? positions, Tensor y) =>
        Launch("embedding", new("embedding", Suffix(y.DType)), y, Rows(y), ids.Address, table.Address, (int)table.DType, Address(positions), (int)(positions?.DType ?? DType.F32), y.Address,
            y.Shape.Rows, y.Shape[1], y.Shape[-1]);
}
