namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void Concat(Tensor a, Tensor b, Tensor y)
    {
        CheckTypes("concat", y, a, b);
        Launch("concat", new("concat", Bits(y.DType)), y, Rows(y), a.Address, b.Address, y.Address, y.Shape.Rows, a.Shape[-1], b.Shape[-1]);
    }
}
