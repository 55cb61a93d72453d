using PeaEngine.Cuda;

namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void SquaredErrorBackward(Tensor a, Tensor b, Tensor scale, Tensor dx, bool add)
    {
        CheckTypes("squared_error_backward", dx, a, b);
        CheckSingle("squared_error_backward", scale);
        if (a.Elements == 0) return;
        var (batch, size) = (a.Shape[0], a.Elements / a.Shape[0]);
        Launch("squared_error_backward", new("squared_error_backward", Suffix(dx.DType)), dx, new(new Extents(Blocks(size, Threads * VectorElements(dx.DType)), batch), Threads),
            a.Address, b.Address, scale.Address, dx.Address, size, add ? 1 : 0);
    }
}
