namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void LayerNorm(Tensor x, Tensor gamma, Tensor beta, Tensor y, float epsilon)
    {
        CheckTypes("layer_norm", y, x);
        CheckSingle("layer_norm", gamma, beta);
        Launch("layer_norm", new("layer_norm", Suffix(y.DType)), y, Rows(y), x.Address, gamma.Address, beta.Address, y.Address, y.Shape.Rows, y.Shape[-1], epsilon);
    }
}
