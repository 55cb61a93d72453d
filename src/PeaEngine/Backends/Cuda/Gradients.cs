namespace PeaEngine.Backends;

/// <summary>What only training needs, which the CPU backend does.</summary>
public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void ActivateBackward(Tensor x, Tensor dy, Tensor dx, Activation activation) =>
        throw OnCpuOnly(nameof(ActivateBackward));

    /// <inheritdoc/>
    public override void AdamW(Tensor parameter, Tensor gradient, Tensor m, Tensor v, AdamWStep step) =>
        throw OnCpuOnly(nameof(AdamW));

    /// <inheritdoc/>
    public override void AttentionBackward(Tensor q, Tensor k, Tensor v, Tensor y, Tensor logSumExp, Tensor dy, Tensor dq, Tensor dk, Tensor dv, int heads, float scale, AttentionMask mask = default, Tensor? dBias = null) =>
        throw OnCpuOnly(nameof(AttentionBackward));

    /// <inheritdoc/>
    public override void Conv2dBackward(Tensor dy, Tensor weight, Tensor dx, Conv2dGeometry geometry, Tensor? residual = null) =>
        throw OnCpuOnly(nameof(Conv2dBackward));

    /// <inheritdoc/>
    public override void Conv2dWeightBackward(Tensor x, Tensor dy, Tensor dWeight, Conv2dGeometry geometry) =>
        throw OnCpuOnly(nameof(Conv2dWeightBackward));

    /// <inheritdoc/>
    public override void EmbeddingBackward(Tensor ids, Tensor dy, Tensor dTable) =>
        throw OnCpuOnly(nameof(EmbeddingBackward));

    /// <inheritdoc/>
    public override void GateBackward(Tensor h, Tensor dy, Tensor dh, Activation activation) =>
        throw OnCpuOnly(nameof(GateBackward));

    /// <inheritdoc/>
    public override void GroupNormBackward(Tensor x, Tensor gamma, Tensor beta, Tensor dy, Tensor dx, int groups, float epsilon, bool silu, Tensor? dGamma = null, Tensor? dBeta = null) =>
        throw OnCpuOnly(nameof(GroupNormBackward));

    /// <inheritdoc/>
    public override void LayerNormBackward(Tensor x, Tensor gamma, Tensor dy, Tensor dx, float epsilon, Tensor? residual = null, Tensor? dGamma = null, Tensor? dBeta = null) =>
        throw OnCpuOnly(nameof(LayerNormBackward));

    /// <inheritdoc/>
    public override void MeanTokensBackward(Tensor dy, Tensor? mask, Tensor dx, bool add) =>
        throw OnCpuOnly(nameof(MeanTokensBackward));

    /// <inheritdoc/>
    public override void ResizeBackward(Tensor dy, Tensor dx) =>
        throw OnCpuOnly(nameof(ResizeBackward));

    /// <inheritdoc/>
    public override void RmsNormBackward(Tensor x, Tensor gamma, Tensor dy, Tensor dx, float epsilon, Tensor? residual = null, Tensor? dGamma = null) =>
        throw OnCpuOnly(nameof(RmsNormBackward));

    /// <inheritdoc/>
    public override void SquaredError(Tensor a, Tensor b, Tensor y) =>
        throw OnCpuOnly(nameof(SquaredError));

    /// <inheritdoc/>
    public override void SquaredErrorBackward(Tensor a, Tensor b, Tensor scale, Tensor dx, bool add) =>
        throw OnCpuOnly(nameof(SquaredErrorBackward));

    /// <inheritdoc/>
    public override void SumSquares(Tensor x, Tensor y) =>
        throw OnCpuOnly(nameof(SumSquares));

    /// <inheritdoc/>
    public override void SumTokens(Tensor x, Tensor y) =>
        throw OnCpuOnly(nameof(SumTokens));

    static PeaException OnCpuOnly(string op) => new($"cuda: {op} is computed on the CPU only, expected device cpu");
}
