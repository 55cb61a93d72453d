namespace PeaEngine.Perf;

sealed partial class ProfiledBackend
{
    public override void LinearBackward(Tensor dy, Tensor weight, Tensor dx, Tensor? residual = null) =>
        Time("linear_backward", $"{dy.Shape} {weight.Shape}", 2.0 * dx.Elements * weight.Shape[0], () => inner.LinearBackward(dy, weight, dx, residual));

    public override void LinearWeightBackward(Tensor x, Tensor dy, Tensor dWeight) =>
        Time("linear_weight_backward", $"{x.Shape} {dWeight.Shape}", 2.0 * x.Elements * dWeight.Shape[0], () => inner.LinearWeightBackward(x, dy, dWeight));

    public override void Conv2dBackward(Tensor dy, Tensor weight, Tensor dx, Conv2dGeometry geometry, Tensor? residual = null) =>
        Time("conv2d_backward", $"{dy.Shape} {weight.Shape} stride {geometry.Stride}", 2.0 * dy.Elements * weight.Elements / weight.Shape[0],
            () => inner.Conv2dBackward(dy, weight, dx, geometry, residual));

    public override void Conv2dWeightBackward(Tensor x, Tensor dy, Tensor dWeight, Conv2dGeometry geometry) =>
        Time("conv2d_weight_backward", $"{x.Shape} {dWeight.Shape} stride {geometry.Stride}", 2.0 * dy.Elements * dWeight.Elements / dWeight.Shape[0],
            () => inner.Conv2dWeightBackward(x, dy, dWeight, geometry));

    public override void ResizeBackward(Tensor dy, Tensor dx) => Time("resize_backward", $"{dy.Shape} {dx.Shape}", 0, () => inner.ResizeBackward(dy, dx));

    public override void GroupNormBackward(Tensor x, Tensor gamma, Tensor beta, Tensor dy, Tensor dx, int groups, float epsilon, bool silu,
        Tensor? dGamma = null, Tensor? dBeta = null) =>
        Time("group_norm_backward", $"{x.Shape}", 0, () => inner.GroupNormBackward(x, gamma, beta, dy, dx, groups, epsilon, silu, dGamma, dBeta));

    public override void LayerNormBackward(Tensor x, Tensor gamma, Tensor dy, Tensor dx, float epsilon, Tensor? residual = null, Tensor? dGamma = null, Tensor? dBeta = null) =>
        Time("layer_norm_backward", $"{x.Shape}", 0, () => inner.LayerNormBackward(x, gamma, dy, dx, epsilon, residual, dGamma, dBeta));

    public override void RmsNormBackward(Tensor x, Tensor gamma, Tensor dy, Tensor dx, float epsilon, Tensor? residual = null, Tensor? dGamma = null) =>
        Time("rms_norm_backward", $"{x.Shape}", 0, () => inner.RmsNormBackward(x, gamma, dy, dx, epsilon, residual, dGamma));

    public override void EmbeddingBackward(Tensor ids, Tensor dy, Tensor dTable) =>
        Time("embedding_backward", $"{dy.Shape}", 0, () => inner.EmbeddingBackward(ids, dy, dTable));

    public override void MeanTokensBackward(Tensor dy, Tensor? mask, Tensor dx, bool add) =>
        Time("mean_tokens_backward", $"{dx.Shape}", 0, () => inner.MeanTokensBackward(dy, mask, dx, add));

    public override void SquaredError(Tensor a, Tensor b, Tensor y) => Time("squared_error", $"{a.Shape}", 0, () => inner.SquaredError(a, b, y));

    public override void SquaredErrorBackward(Tensor a, Tensor b, Tensor scale, Tensor dx, bool add) =>
        Time("squared_error_backward", $"{a.Shape}", 0, () => inner.SquaredErrorBackward(a, b, scale, dx, add));

    public override void ActivateBackward(Tensor x, Tensor dy, Tensor dx, Activation activation) =>
        Time("activate_backward", $"{x.Shape}", 0, () => inner.ActivateBackward(x, dy, dx, activation));

    public override void GateBackward(Tensor h, Tensor dy, Tensor dh, Activation activation) =>
        Time("gate_backward", $"{h.Shape}", 0, () => inner.GateBackward(h, dy, dh, activation));

    public override void Split(Tensor x, Tensor a, Tensor b) => Time("split", $"{x.Shape}", 0, () => inner.Split(x, a, b));

    public override void SumTokens(Tensor x, Tensor y) => Time("sum_tokens", $"{x.Shape}", 0, () => inner.SumTokens(x, y));

    public override void AdamW(Tensor parameter, Tensor gradient, Tensor m, Tensor v, AdamWStep step) =>
        Time("adam_w", $"{parameter.Shape}", 0, () => inner.AdamW(parameter, gradient, m, v, step));

    public override void SumSquares(Tensor x, Tensor y) => Time("sum_squares", $"{x.Shape}", 2.0 * x.Elements, () => inner.SumSquares(x, y));

    public override void AttentionBackward(Tensor q, Tensor k, Tensor v, Tensor y, Tensor logSumExp, Tensor dy, Tensor dq, Tensor dk, Tensor dv, int heads, float scale, AttentionMask mask = default, Tensor? dBias = null) =>
        Time("attention_backward", $"{q.Shape} {k.Shape} heads {heads}", 10.0 * q.Elements * k.Shape[1],
            () => inner.AttentionBackward(q, k, v, y, logSumExp, dy, dq, dk, dv, heads, scale, mask, dBias));
}
