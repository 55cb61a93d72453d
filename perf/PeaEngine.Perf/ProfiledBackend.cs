using System.Diagnostics;

namespace PeaEngine.Perf;

/// <summary>Passes every op on to a backend and adds up the time of each op and shape: where a model's run goes.</summary>
sealed partial class ProfiledBackend(Backend inner) : Backend
{
    readonly Dictionary<(string Op, string Shape), (int Calls, double Seconds, double Flops)> times = [];

    public override string Name => inner.Name;

    /// <summary>Every op and shape with its calls, seconds and multiply-adds counted twice, the longest first.</summary>
    public IEnumerable<(string Op, string Shape, int Calls, double Seconds, double Flops)> Times =>
        times.Select(pair => (pair.Key.Op, pair.Key.Shape, pair.Value.Calls, pair.Value.Seconds, pair.Value.Flops)).OrderByDescending(row => row.Seconds);

    public void Reset() => times.Clear();

    public override Storage Allocate(long bytes) => inner.Allocate(bytes);

    public override void Upload(ReadOnlySpan<byte> source, Tensor destination, long byteOffset = 0) => inner.Upload(source, destination, byteOffset);

    public override void Download(Tensor source, Span<byte> destination) => inner.Download(source, destination);

    public override void Clear(Tensor tensor) => inner.Clear(tensor);

    public override void Dispose() { }

    public override void Linear(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.None, Tensor? residual = null) =>
        Time("linear", $"{x.Shape} {weight.Shape}", 2.0 * x.Elements * weight.Shape[0], () => inner.Linear(x, weight, bias, y, activation, residual));

    public override void Geglu(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.Gelu) =>
        Time("geglu", $"{x.Shape} {weight.Shape}", 2.0 * x.Elements * weight.Shape[0], () => inner.Geglu(x, weight, bias, y, activation));

    public override void Conv2d(Tensor x, Tensor weight, Tensor? bias, Tensor y, Conv2dGeometry geometry, Tensor? shift = null, Tensor? residual = null) =>
        Time("conv2d", $"{x.Shape} {weight.Shape} stride {geometry.Stride}{(geometry.InputHeight > 0 ? " upsampled" : "")}", 2.0 * y.Elements * weight.Elements / weight.Shape[0], () => inner.Conv2d(x, weight, bias, y, geometry, shift, residual));

    public override void GroupNorm(Tensor x, Tensor gamma, Tensor beta, Tensor y, int groups, float epsilon, bool silu) =>
        Time("group_norm", $"{x.Shape}", 0, () => inner.GroupNorm(x, gamma, beta, y, groups, epsilon, silu));

    public override void LayerNorm(Tensor x, Tensor gamma, Tensor beta, Tensor y, float epsilon) =>
        Time("layer_norm", $"{x.Shape}", 0, () => inner.LayerNorm(x, gamma, beta, y, epsilon));

    public override void Normals(ulong seed, uint stream, Tensor positions, Tensor y) => Time("normals", $"{y.Shape}", 0, () => inner.Normals(seed, stream, positions, y));

    public override void RmsNorm(Tensor x, Tensor gamma, Tensor y, float epsilon) =>
        Time("rms_norm", $"{x.Shape}", 0, () => inner.RmsNorm(x, gamma, y, epsilon));

    public override void Attention(Tensor q, Tensor k, Tensor v, Tensor y, int heads, float scale, AttentionMask mask = default, Tensor? logSumExp = null) =>
        Time("attention", $"{q.Shape} {k.Shape} heads {heads}", 4.0 * q.Elements * k.Shape[1], () => inner.Attention(q, k, v, y, heads, scale, mask, logSumExp));

    public override void Embedding(Tensor ids, Tensor table, Tensor? positions, Tensor y) =>
        Time("embedding", $"{y.Shape}", 0, () => inner.Embedding(ids, table, positions, y));

    public override void TimestepEmbedding(Tensor values, Tensor y, bool flipSinToCos, float shift) =>
        Time("timestep_embedding", $"{y.Shape}", 0, () => inner.TimestepEmbedding(values, y, flipSinToCos, shift));

    public override void Activate(Tensor x, Tensor y, Activation activation) =>
        Time("activate", $"{x.Shape}", 0, () => inner.Activate(x, y, activation));

    public override void Combine(Tensor y, params ReadOnlySpan<Term> terms)
    {
        var start = Stopwatch.GetTimestamp();
        inner.Combine(y, terms);
        Add("combine", $"{y.Shape}", start);
    }

    public override void Blend(Tensor a, Tensor b, Tensor mask, Tensor y) =>
        Time("blend", $"{y.Shape}", 0, () => inner.Blend(a, b, mask, y));

    public override void Concat(Tensor a, Tensor b, Tensor y) =>
        Time("concat", $"{y.Shape}", 0, () => inner.Concat(a, b, y));

    public override void MeanTokens(Tensor x, Tensor? mask, Tensor y) =>
        Time("mean_tokens", $"{x.Shape}", 0, () => inner.MeanTokens(x, mask, y));

    public override void Copy(Tensor x, Tensor y) =>
        Time("copy", $"{y.Shape}", 0, () => inner.Copy(x, y));

    public override void ToChannelsLast(Tensor x, Tensor y) =>
        Time("to_channels_last", $"{y.Shape}", 0, () => inner.ToChannelsLast(x, y));

    public override void ToChannelsFirst(Tensor x, Tensor y) =>
        Time("to_channels_first", $"{y.Shape}", 0, () => inner.ToChannelsFirst(x, y));

    public override void RescaleGuidance(Tensor noise, Tensor text, float phi) =>
        Time("rescale_guidance", $"{noise.Shape}", 0, () => inner.RescaleGuidance(noise, text, phi));

    void Time(string op, string shape, double flops, Action run)
    {
        var start = Stopwatch.GetTimestamp();
        run();
        Add(op, shape, start, flops);
    }

    void Add(string op, string shape, long start, double flops = 0)
    {
        var (calls, seconds, sum) = times.GetValueOrDefault((op, shape));
        times[(op, shape)] = (calls + 1, seconds + Stopwatch.GetElapsedTime(start).TotalSeconds, sum + flops);
    }
}
