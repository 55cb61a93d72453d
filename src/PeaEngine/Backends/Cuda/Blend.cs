namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void Blend(Tensor a, Tensor b, Tensor mask, Tensor y)
    {
        CheckTypes("blend", y, a, b, mask);
        Launch("blend", new("blend", Suffix(y.DType)), y, Vectors(y), a.Address, b.Address, mask.Address, y.Address, y.Elements);
    }
}
