namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void RmsNormBackward(Tensor x, Tensor gamma, Tensor dy, Tensor dx, float epsilon, Tensor? residual = null, Tensor? dGamma = null) =>
        RowNormBackward("rms_norm_backward", x, gamma, dy, dx, epsilon, residual, dGamma, null);
}
