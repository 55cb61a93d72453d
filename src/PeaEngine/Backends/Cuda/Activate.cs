namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void Activate(Tensor x, Tensor y, Activation activation)
    {
        CheckTypes("activate", y, x);
        Launch("activate", new("activate", Suffix(y.DType)), y, new(Blocks(y.Elements, Threads * (16 / y.DType.SizeInBytes())), Threads), x.Address, y.Address, y.Elements, (int)activation);
    }
}
