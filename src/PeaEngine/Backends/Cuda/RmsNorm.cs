namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void RmsNorm(Tensor x, Tensor gamma, Tensor y, float epsilon)
    {
        CheckTypes("rms_norm", y, x);
        CheckSingle("rms_norm", gamma);
        Launch("rms_norm", new("rms_norm", Suffix(y.DType)), y, Rows(y), x.Address, gamma.Address, y.Address, y.Shape.Rows, y.Shape[-1], epsilon);
    }
}
