namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void ActivateBackward(Tensor x, Tensor dy, Tensor dx, Activation activation)
    {
        CheckTypes("activate_backward", dx, x, dy);
        Launch("activate_backward", new("activate_backward", Suffix(dx.DType)), dx, Vectors(dx), x.Address, dy.Address, dx.Address, dx.Elements, (int)activation);
    }
}
