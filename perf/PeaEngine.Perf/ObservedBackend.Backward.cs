namespace PeaEngine.Perf;

abstract partial class ObservedBackend
{
    public override void LinearBackward(Tensor dy, Tensor weight, Tensor dx, Tensor? residual = null) =>
        Observe(new("linear_backward", $"{dy.Shape} {weight.Shape}", 2.0 * dx.Elements * weight.Shape[0], Bytes(dy, weight, dx, residual), dy.Shape[-1], dx.Shape[-1]), () => inner.LinearBackward(dy, weight, dx, residual));

    public override void LinearWeightBackward(Tensor x, Tensor dy, Tensor dWeight) =>
        Observe(new("linear_weight_backward", $"{x.Shape} {dWeight.Shape}", 2.0 * x.Elements * dWeight.Shape[0], Bytes(x, dy, dWeight, dWeight), x.Shape.Rows, x.Shape[-1]), () => inner.LinearWeightBackward(x, dy, dWeight));

    public override void Conv2dBackward(Tensor dy, Tensor weight, Tensor dx, Conv2dGeometry geometry, Tensor? residual = null) =>
        Observe(new("conv2d_backward", $"{dy.Shape} {weight.Shape} {Text(geometry)}", 2.0 * dy.Elements * weight.Elements / weight.Shape[0], Bytes(dy, weight, dx, residual),
            (int)(weight.Elements / weight.Shape[-1] / (geometry.Stride * geometry.Stride)), weight.Shape[-1]), () => inner.Conv2dBackward(dy, weight, dx, geometry, residual));

    public override void Conv2dWeightBackward(Tensor x, Tensor dy, Tensor dWeight, Conv2dGeometry geometry) =>
        Observe(new("conv2d_weight_backward", $"{x.Shape} {dWeight.Shape} {Text(geometry)}", 2.0 * dy.Elements * dWeight.Elements / dWeight.Shape[0], Bytes(x, dy, dWeight, dWeight), dy.Shape.Rows, (int)(dWeight.Elements / dWeight.Shape[0])),
            () => inner.Conv2dWeightBackward(x, dy, dWeight, geometry));

    public override void ResizeBackward(Tensor dy, Tensor dx) => Observe(new("resize_backward", $"{dy.Shape} {dx.Shape}", 0, Bytes(dy, dx), dx.Shape[-1]), () => inner.ResizeBackward(dy, dx));

    public override void GroupNormBackward(Tensor x, Tensor gamma, Tensor beta, Tensor dy, Tensor dx, int groups, float epsilon, bool silu,
        Tensor? dGamma = null, Tensor? dBeta = null) =>
        Observe(new("group_norm_backward", $"{x.Shape}", 0, Bytes(x, x, x, gamma, beta, dy, dy, dx, dGamma, dBeta), x.Shape.Rows / x.Shape[0], OtherLength: x.Shape[-1]), () => inner.GroupNormBackward(x, gamma, beta, dy, dx, groups, epsilon, silu, dGamma, dBeta));

    public override void LayerNormBackward(Tensor x, Tensor gamma, Tensor dy, Tensor dx, float epsilon, Tensor? residual = null, Tensor? dGamma = null, Tensor? dBeta = null) =>
        Observe(new("layer_norm_backward", $"{x.Shape}", 0, Bytes(x, gamma, dy, dx, residual, dGamma, dBeta) + ForParameters(x, dy, dGamma), x.Shape[-1], OtherLength: x.Shape.Rows), () => inner.LayerNormBackward(x, gamma, dy, dx, epsilon, residual, dGamma, dBeta));

    public override void RmsNormBackward(Tensor x, Tensor gamma, Tensor dy, Tensor dx, float epsilon, Tensor? residual = null, Tensor? dGamma = null) =>
        Observe(new("rms_norm_backward", $"{x.Shape}", 0, Bytes(x, gamma, dy, dx, residual, dGamma) + ForParameters(x, dy, dGamma), x.Shape[-1], OtherLength: x.Shape.Rows), () => inner.RmsNormBackward(x, gamma, dy, dx, epsilon, residual, dGamma));

    public override void EmbeddingBackward(Tensor ids, Tensor dy, Tensor dTable) =>
        Observe(new("embedding_backward", $"{dy.Shape}", 0, Bytes(ids, dy) + 2.0 * sizeof(float) * dy.Elements, dy.Shape[-1]), () => inner.EmbeddingBackward(ids, dy, dTable));

    public override void MeanTokensBackward(Tensor dy, Tensor? mask, Tensor dx, bool add) =>
        Observe(new("mean_tokens_backward", $"{dx.Shape}", 0, Bytes(dy, mask, dx), dx.Shape[-1]), () => inner.MeanTokensBackward(dy, mask, dx, add));

    public override void SquaredError(Tensor a, Tensor b, Tensor y) => Observe(new("squared_error", $"{a.Shape}", 0, Bytes(a, b, y), 0), () => inner.SquaredError(a, b, y));

    public override void SquaredErrorBackward(Tensor a, Tensor b, Tensor scale, Tensor dx, bool add) =>
        Observe(new("squared_error_backward", $"{a.Shape}", 0, Bytes(a, b, scale, dx), 0), () => inner.SquaredErrorBackward(a, b, scale, dx, add));

    public override void ActivateBackward(Tensor x, Tensor dy, Tensor dx, Activation activation) =>
        Observe(new("activate_backward", $"{x.Shape}", 0, Bytes(x, dy, dx), 0), () => inner.ActivateBackward(x, dy, dx, activation));

    public override void GateBackward(Tensor h, Tensor dy, Tensor dh, Activation activation) =>
        Observe(new("gate_backward", $"{h.Shape}", 0, Bytes(h, dy, dh), dy.Shape[-1]), () => inner.GateBackward(h, dy, dh, activation));

    public override void Split(Tensor x, Tensor a, Tensor b) => Observe(new("split", $"{x.Shape}", 0, Bytes(x, a, b), x.Shape[-1]), () => inner.Split(x, a, b));

    public override void SumTokens(Tensor x, Tensor y) => Observe(new("sum_tokens", $"{x.Shape}", 0, Bytes(x, y), x.Shape[1]), () => inner.SumTokens(x, y));

    public override void AdamW(Tensor parameter, Tensor gradient, Tensor m, Tensor v, Tensor? average, Tensor step, AdamWSettings settings) =>
        Observe(new("adam_w", $"{parameter.Shape}", 0, Bytes(parameter, parameter, gradient, m, m, v, v, average, average), 0), () => inner.AdamW(parameter, gradient, m, v, average, step, settings));

    public override void AdamWFactors(Tensor squares, Tensor losses, Tensor rates, Tensor norm, Tensor step) =>
        Observe(new("adam_w_factors", $"{squares.Shape}", 0, Bytes(squares, losses, rates, norm, step), (int)squares.Elements), () => inner.AdamWFactors(squares, losses, rates, norm, step));

    public override void SumErrors(Tensor errors, Tensor samples, Tensor terms, Tensor sums) =>
        Observe(new("sum_errors", $"{errors.Shape}", 0, Bytes(errors, samples, terms, sums, sums), errors.Shape[1]), () => inner.SumErrors(errors, samples, terms, sums));

    public override void SumSquares(Tensor x, Tensor y) => Observe(new("sum_squares", $"{x.Shape}", 0, Bytes(x, y), 0), () => inner.SumSquares(x, y));

    public override void AttentionBackward(Tensor q, Tensor k, Tensor v, Tensor y, Tensor logSumExp, Tensor dy, Tensor dq, Tensor dk, Tensor dv, int heads, float scale, AttentionMask mask = default, Tensor? dBias = null) =>
        Observe(new("attention_backward", $"{q.Shape} {k.Shape} heads {heads}", 10.0 * q.Elements * k.Shape[1],
            Bytes(y, dy) + Bytes(q, k, v, dy, dk, dv) + Bytes(q, k, v, dy, dq), k.Shape[1], OtherLength: q.Shape[1]), () => inner.AttentionBackward(q, k, v, y, logSumExp, dy, dq, dk, dv, heads, scale, mask, dBias));

    /// <summary>A row norm reads x twice more and dy once for the gradients of its parameters.</summary>
    static double ForParameters(Tensor x, Tensor dy, Tensor? dGamma) => dGamma == null ? 0 : Bytes(x, x, dy);
}
