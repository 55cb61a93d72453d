namespace PeaEngine.Backends;

/// <summary>What only training needs, which the CPU backend does.</summary>
public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void AttentionBackward(Tensor q, Tensor k, Tensor v, Tensor y, Tensor logSumExp, Tensor dy, Tensor dq, Tensor dk, Tensor dv, int heads, float scale, AttentionMask mask = default, Tensor? dBias = null) =>
        throw OnCpuOnly(nameof(AttentionBackward));

    /// <inheritdoc/>
    public override void Conv2dBackward(Tensor dy, Tensor weight, Tensor dx, Conv2dGeometry geometry, Tensor? residual = null) =>
        throw OnCpuOnly(nameof(Conv2dBackward));

    /// <inheritdoc/>
    public override void Conv2dWeightBackward(Tensor x, Tensor dy, Tensor dWeight, Conv2dGeometry geometry) =>
        throw OnCpuOnly(nameof(Conv2dWeightBackward));

    static PeaException OnCpuOnly(string op) => new($"cuda: {op} is computed on the CPU only, expected device cpu");
}
