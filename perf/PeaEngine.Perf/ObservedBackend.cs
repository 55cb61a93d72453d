namespace PeaEngine.Perf;

/// <summary>One call of an op.</summary>
/// <param name="Op">The op, in lower case with underscores.</param>
/// <param name="Shape">The shapes that tell it from others.</param>
/// <param name="Flops">Multiplications and additions of the definition; 0 where the memory is what matters.</param>
/// <param name="Bytes">What must be read and written at least: every tensor once.</param>
/// <param name="Length">What a kernel's innermost loop runs over: a product's depth, attention's keys, a row's channels.</param>
/// <param name="Columns">Columns of a product's result, 0 where the op is no product.</param>
/// <param name="OtherLength">What the loops of the op's other kernels run over, where it has several: attention's queries, a group norm's channels, a row norm's rows.</param>
readonly record struct OpCall(string Op, string Shape, double Flops, double Bytes, int Length, int Columns = 0, int OtherLength = 0);

/// <summary>Passes every op on to a backend, in the hands of who looks on.</summary>
/// <param name="inner">What computes.</param>
abstract partial class ObservedBackend(Backend inner) : Backend
{
    public override string Name => inner.Name;

    public override DType ActivationType => inner.ActivationType;

    /// <summary>The call, and what makes it.</summary>
    protected abstract void Observe(in OpCall call, Action run);

    public override Storage Allocate(long bytes) => inner.Allocate(bytes);

    public override void Upload(ReadOnlySpan<byte> source, Tensor destination, long byteOffset = 0) => inner.Upload(source, destination, byteOffset);

    public override void Download(Tensor source, Span<byte> destination) => inner.Download(source, destination);

    public override void Clear(Tensor tensor) => inner.Clear(tensor);

    public override void Dispose() { }

    public override void Linear(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.None, Tensor? residual = null) =>
        Observe(new("linear", $"{x.Shape} {weight.Shape}", 2.0 * x.Elements * weight.Shape[0], Bytes(x, weight, bias, y, residual), x.Shape[-1], weight.Shape[0]), () => inner.Linear(x, weight, bias, y, activation, residual));

    public override void Geglu(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.Gelu) =>
        Observe(new("geglu", $"{x.Shape} {weight.Shape}", 2.0 * x.Elements * weight.Shape[0], Bytes(x, weight, bias, y), x.Shape[-1], weight.Shape[0]), () => inner.Geglu(x, weight, bias, y, activation));

    public override void Conv2d(Tensor x, Tensor weight, Tensor? bias, Tensor y, Conv2dGeometry geometry, Tensor? shift = null, Tensor? residual = null) =>
        Observe(new("conv2d", $"{x.Shape} {weight.Shape} {Text(geometry)}", 2.0 * y.Elements * weight.Elements / weight.Shape[0], Bytes(x, weight, bias, y, shift, residual),
            (int)(weight.Elements / weight.Shape[0]), weight.Shape[0]), () => inner.Conv2d(x, weight, bias, y, geometry, shift, residual));

    public override void GroupNorm(Tensor x, Tensor gamma, Tensor beta, Tensor y, int groups, float epsilon, bool silu) =>
        Observe(new("group_norm", $"{x.Shape}", 0, Bytes(x, x, gamma, beta, y), x.Shape.Rows / x.Shape[0], OtherLength: x.Shape[-1]), () => inner.GroupNorm(x, gamma, beta, y, groups, epsilon, silu));

    public override void LayerNorm(Tensor x, Tensor gamma, Tensor beta, Tensor y, float epsilon) =>
        Observe(new("layer_norm", $"{x.Shape}", 0, Bytes(x, gamma, beta, y), x.Shape[-1]), () => inner.LayerNorm(x, gamma, beta, y, epsilon));

    public override void Normals(ulong seed, uint stream, Tensor positions, Tensor y) =>
        Observe(new("normals", $"{y.Shape}", 0, Bytes(positions, y), 0), () => inner.Normals(seed, stream, positions, y));

    public override void RmsNorm(Tensor x, Tensor gamma, Tensor y, float epsilon) =>
        Observe(new("rms_norm", $"{x.Shape}", 0, Bytes(x, gamma, y), x.Shape[-1]), () => inner.RmsNorm(x, gamma, y, epsilon));

    public override void Attention(Tensor q, Tensor k, Tensor v, Tensor y, int heads, float scale, AttentionMask mask = default, Tensor? logSumExp = null) =>
        Observe(new("attention", $"{q.Shape} {k.Shape} heads {heads}", 4.0 * q.Elements * k.Shape[1], Bytes(q, k, v, y, mask.Bias, mask.KeyPadding, logSumExp), k.Shape[1]),
            () => inner.Attention(q, k, v, y, heads, scale, mask, logSumExp));

    public override void Embedding(Tensor ids, Tensor table, Tensor? positions, Tensor y) =>
        Observe(new("embedding", $"{y.Shape}", 0, Bytes(ids, y, y), y.Shape[-1]), () => inner.Embedding(ids, table, positions, y));

    public override void TimestepEmbedding(Tensor values, Tensor y, bool flipSinToCos, float shift) =>
        Observe(new("timestep_embedding", $"{y.Shape}", 0, Bytes(values, y), y.Shape[-1]), () => inner.TimestepEmbedding(values, y, flipSinToCos, shift));

    public override void Activate(Tensor x, Tensor y, Activation activation) =>
        Observe(new("activate", $"{x.Shape}", 0, Bytes(x, y), 0), () => inner.Activate(x, y, activation));

    public override void Combine(Tensor y, params ReadOnlySpan<Term> terms)
    {
        Term[] kept = [.. terms];
        Observe(new("combine", $"{y.Shape}", 0, Bytes(y) + kept.Sum(term => Bytes(term.Tensor)), kept.Length), () => inner.Combine(y, kept));
    }

    public override void CombineAt(Tensor y, Tensor coefficients, ReadOnlySpan<Tensor> terms)
    {
        Tensor[] kept = [.. terms];
        Observe(new("combine", $"{y.Shape}", 0, Bytes(y, coefficients) + kept.Sum(term => Bytes(term)), kept.Length), () => inner.CombineAt(y, coefficients, kept));
    }

    public override void Blend(Tensor a, Tensor b, Tensor mask, Tensor y) =>
        Observe(new("blend", $"{y.Shape}", 0, Bytes(a, b, mask, y), 0), () => inner.Blend(a, b, mask, y));

    public override void Concat(Tensor a, Tensor b, Tensor y) =>
        Observe(new("concat", $"{y.Shape}", 0, Bytes(a, b, y), y.Shape[-1]), () => inner.Concat(a, b, y));

    public override void MeanTokens(Tensor x, Tensor? mask, Tensor y) =>
        Observe(new("mean_tokens", $"{x.Shape}", 0, Bytes(x, mask, y), x.Shape[1]), () => inner.MeanTokens(x, mask, y));

    public override void Copy(Tensor x, Tensor y) =>
        Observe(new("copy", $"{y.Shape}", 0, Bytes(x, y), 0), () => inner.Copy(x, y));

    public override void ToChannelsLast(Tensor x, Tensor y) =>
        Observe(new("to_channels_last", $"{y.Shape}", 0, Bytes(x, y), 0), () => inner.ToChannelsLast(x, y));

    public override void ToChannelsFirst(Tensor x, Tensor y) =>
        Observe(new("to_channels_first", $"{y.Shape}", 0, Bytes(x, y), 0), () => inner.ToChannelsFirst(x, y));

    public override void RescaleGuidance(Tensor noise, Tensor text, float phi) =>
        Observe(new("rescale_guidance", $"{noise.Shape}", 0, Bytes(noise, text, noise), 0), () => inner.RescaleGuidance(noise, text, phi));

    static string Text(Conv2dGeometry geometry) => $"stride {geometry.Stride}{(geometry.InputHeight > 0 ? " upsampled" : "")}";

    static double Bytes(params ReadOnlySpan<Tensor?> tensors)
    {
        var bytes = 0.0;
        foreach (var each in tensors)
            if (each is { } tensor) bytes += tensor.Bytes;
        return bytes;
    }
}
