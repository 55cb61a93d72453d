namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void EmbeddingBackward(Tensor ids, Tensor dy, Tensor dTable)
    {
        CheckSingle("embedding_backward", dTable);
        Launch("embedding_backward", new("embedding_backward", Suffix(dy.DType)), dy, Rows(dy), ids.Address, dy.Address, dTable.Address, dy.Shape.Rows, dy.Shape[-1]);
    }
}
