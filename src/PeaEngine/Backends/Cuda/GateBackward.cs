namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void GateBackward(Tensor h, Tensor dy, Tensor dh, Activation activation)
    {
        CheckTypes("gate_backward", dh, h, dy);
        Launch("gate_backward", new("gate_backward", Suffix(dh.DType)), dh, Rows(dh), h.Address, dy.Address, dh.Address, dh.Shape.Rows, dy.Shape[-1], (int)activation);
    }
}
