namespace PeaEngine.Backends;

/// <summary>
/// Computes nothing: it counts the ops a pass would launch and the bytes they would read and write, and its arena measures the
/// memory a real pass needs.
/// </summary>
/// <param name="activations">What activations would be: F32, F16 or BF16.</param>
public sealed class NullBackend(DType activations = DType.F32) : Backend
{
    /// <summary>How many ops were called.</summary>
    public long Launches { get; private set; }

    /// <summary>The bytes of every tensor argument of every op.</summary>
    public long TouchedBytes { get; private set; }

    /// <inheritdoc/>
    public override string Name => "null";

    /// <inheritdoc/>
    public override DType ActivationType => activations;

    /// <inheritdoc/>
    public override bool KeepsContents => false;

    /// <inheritdoc/>
    public override Storage Allocate(long bytes) => new NullStorage(bytes);

    /// <inheritdoc/>
    public override void Upload(ReadOnlySpan<byte> source, Tensor destination, long byteOffset = 0) { }

    /// <inheritdoc/>
    public override void Download(Tensor source, Span<byte> destination) => destination.Clear();

    /// <inheritdoc/>
    public override void Clear(Tensor tensor) => Count(tensor);

    /// <inheritdoc/>
    public override void Linear(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.None, Tensor? residual = null) =>
        Count(x, weight, bias, y, residual);

    /// <inheritdoc/>
    public override void LinearBackward(Tensor dy, Tensor weight, Tensor dx, Tensor? residual = null) => Count(dy, weight, dx, residual);

    /// <inheritdoc/>
    public override void LinearWeightBackward(Tensor x, Tensor dy, Tensor dWeight) => Count(x, dy, dWeight);

    /// <inheritdoc/>
    public override void Conv2dBackward(Tensor dy, Tensor weight, Tensor dx, Conv2dGeometry geometry, Tensor? residual = null) => Count(dy, weight, dx, residual);

    /// <inheritdoc/>
    public override void Conv2dWeightBackward(Tensor x, Tensor dy, Tensor dWeight, Conv2dGeometry geometry) => Count(x, dy, dWeight);

    /// <inheritdoc/>
    public override void ResizeBackward(Tensor dy, Tensor dx) => Count(dy, dx);

    /// <inheritdoc/>
    public override void GroupNormBackward(Tensor x, Tensor gamma, Tensor beta, Tensor dy, Tensor dx, int groups, float epsilon, bool silu,
        Tensor? dGamma = null, Tensor? dBeta = null) => Count(x, gamma, beta, dy, dx, dGamma, dBeta);

    /// <inheritdoc/>
    public override void LayerNormBackward(Tensor x, Tensor gamma, Tensor dy, Tensor dx, float epsilon, Tensor? residual = null, Tensor? dGamma = null, Tensor? dBeta = null) =>
        Count(x, gamma, dy, dx, residual, dGamma, dBeta);

    /// <inheritdoc/>
    public override void RmsNormBackward(Tensor x, Tensor gamma, Tensor dy, Tensor dx, float epsilon, Tensor? residual = null, Tensor? dGamma = null) =>
        Count(x, gamma, dy, dx, residual, dGamma);

    /// <inheritdoc/>
    public override void EmbeddingBackward(Tensor ids, Tensor dy, Tensor dTable) => Count(ids, dy);

    /// <inheritdoc/>
    public override void MeanTokensBackward(Tensor dy, Tensor? mask, Tensor dx, bool add) => Count(dy, mask, dx);

    /// <inheritdoc/>
    public override void SquaredError(Tensor a, Tensor b, Tensor y) => Count(a, b, y);

    /// <inheritdoc/>
    public override void SquaredErrorBackward(Tensor a, Tensor b, Tensor scale, Tensor dx, bool add) => Count(a, b, scale, dx);

    /// <inheritdoc/>
    public override void ActivateBackward(Tensor x, Tensor dy, Tensor dx, Activation activation) => Count(x, dy, dx);

    /// <inheritdoc/>
    public override void GateBackward(Tensor h, Tensor dy, Tensor dh, Activation activation) => Count(h, dy, dh);

    /// <inheritdoc/>
    public override void Normals(ulong seed, uint stream, Tensor positions, Tensor y) => Count(positions, y);

    /// <inheritdoc/>
    public override void Split(Tensor x, Tensor a, Tensor b) => Count(x, a, b);

    /// <inheritdoc/>
    public override void SumTokens(Tensor x, Tensor y) => Count(x, y);

    /// <inheritdoc/>
    public override void Geglu(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.Gelu) => Count(x, weight, bias, y);

    /// <inheritdoc/>
    public override void Conv2d(Tensor x, Tensor weight, Tensor? bias, Tensor y, Conv2dGeometry geometry, Tensor? shift = null, Tensor? residual = null) =>
        Count(x, weight, bias, y, shift, residual);

    /// <inheritdoc/>
    public override void GroupNorm(Tensor x, Tensor gamma, Tensor beta, Tensor y, int groups, float epsilon, bool silu) => Count(x, gamma, beta, y);

    /// <inheritdoc/>
    public override void LayerNorm(Tensor x, Tensor gamma, Tensor beta, Tensor y, float epsilon) => Count(x, gamma, beta, y);

    /// <inheritdoc/>
    public override void RmsNorm(Tensor x, Tensor gamma, Tensor y, float epsilon) => Count(x, gamma, y);

    /// <inheritdoc/>
    public override void Attention(Tensor q, Tensor k, Tensor v, Tensor y, int heads, float scale, AttentionMask mask = default, Tensor? logSumExp = null) =>
        Count(q, k, v, y, mask.KeyPadding, mask.Bias, logSumExp);

    /// <inheritdoc/>
    public override void AttentionBackward(Tensor q, Tensor k, Tensor v, Tensor y, Tensor logSumExp, Tensor dy, Tensor dq, Tensor dk, Tensor dv, int heads, float scale, AttentionMask mask = default, Tensor? dBias = null) =>
        Count(q, k, v, y, logSumExp, dy, dq, dk, dv, mask.KeyPadding, mask.Bias, dBias);

    /// <inheritdoc/>
    public override void Embedding(Tensor ids, Tensor table, Tensor? positions, Tensor y) => Count(ids, y);

    /// <inheritdoc/>
    public override void TimestepEmbedding(Tensor values, Tensor y, bool flipSinToCos, float shift) => Count(values, y);

    /// <inheritdoc/>
    public override void Activate(Tensor x, Tensor y, Activation activation) => Count(x, y);

    /// <inheritdoc/>
    public override void Combine(Tensor y, params ReadOnlySpan<Term> terms)
    {
        Count(y);
        foreach (var term in terms) TouchedBytes += term.Tensor.Bytes;
    }

    /// <inheritdoc/>
    public override void Blend(Tensor a, Tensor b, Tensor mask, Tensor y) => Count(a, b, mask, y);

    /// <inheritdoc/>
    public override void Concat(Tensor a, Tensor b, Tensor y) => Count(a, b, y);

    /// <inheritdoc/>
    public override void MeanTokens(Tensor x, Tensor? mask, Tensor y) => Count(x, mask, y);

    /// <inheritdoc/>
    public override void AdamW(Tensor parameter, Tensor gradient, Tensor m, Tensor v, Tensor? average, Tensor step, AdamWSettings settings) => Count(parameter, gradient, m, v, average, step);

    /// <inheritdoc/>
    public override void AdamWFactors(Tensor squares, Tensor losses, Tensor rates, Tensor norm, Tensor step) => Count(squares, losses, rates, norm, step);

    /// <inheritdoc/>
    public override void SumErrors(Tensor errors, Tensor samples, Tensor terms, Tensor sums) => Count(errors, samples, terms, sums);

    /// <inheritdoc/>
    public override void SumSquares(Tensor x, Tensor y) => Count(x, y);

    /// <inheritdoc/>
    public override void Copy(Tensor x, Tensor y) => Count(x, y);

    /// <inheritdoc/>
    public override void ToChannelsLast(Tensor x, Tensor y) => Count(x, y);

    /// <inheritdoc/>
    public override void ToChannelsFirst(Tensor x, Tensor y) => Count(x, y);

    /// <inheritdoc/>
    public override void RescaleGuidance(Tensor noise, Tensor text, float phi) => Count(noise, text, noise);

    /// <inheritdoc/>
    public override void Dispose() { }

    void Count(params ReadOnlySpan<Tensor?> arguments)
    {
        Launches++;
        foreach (var argument in arguments)
            if (argument is { } tensor) TouchedBytes += tensor.Bytes;
    }

    sealed class NullStorage(long bytes) : Storage(1, bytes)
    {
        public override bool IsHost => false;

        protected override void Free() { }
    }
}
