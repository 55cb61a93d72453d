namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void MeanTokensBackward(Tensor dy, Tensor? mask, Tensor dx, bool add)
    {
        CheckTypes("mean_tokens_backward", dx, dy);
        Launch("mean_tokens_backward", new("mean_tokens_backward", Suffix(dx.DType)), dx, Rows(dx), dy.Address, Address(mask), dx.Address, dx.Shape.Rows, dx.Shape[1], dx.Shape[2], add ? 1 : 0);
    }
}
