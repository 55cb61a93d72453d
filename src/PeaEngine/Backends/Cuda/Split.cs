namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void Split(Tensor x, Tensor a, Tensor b)
    {
        CheckTypes("split", x, a, b);
        Launch("concat", new("split", Bits(x.DType)), x, Rows(x), a.Address, b.Address, x.Address, x.Shape.Rows, a.Shape[-1], b.Shape[-1]);
    }
}
