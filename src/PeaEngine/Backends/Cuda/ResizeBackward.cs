namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void ResizeBackward(Tensor dy, Tensor dx)
    {
        CheckTypes("resize_backward", dx, dy);
        Launch("resize_backward", new("resize_backward", Suffix(dx.DType)), dx, Rows(dx), dy.Address, dx.Address, dx.Shape.Rows, dx.Shape[1], dx.Shape[2], dy.Shape[1], dy.Shape[2], dx.Shape[3]);
    }
}
