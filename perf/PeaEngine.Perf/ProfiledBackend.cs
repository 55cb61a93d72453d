using System.Diagnostics;

namespace PeaEngine.Perf;

/// <summary>Passes every op on to a backend and adds up the time of each op and shape: where a model's run goes.</summary>
sealed class ProfiledBackend(Backend inner) : Backend
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

    public override void Dispose() { }

    public override void Linear(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.None, Tensor? residual = null)
    {
        var start = Stopwatch.GetTimestamp();
        inner.Linear(x, weight, bias, y, activation, residual);
        Add("linear", $"{x.Shape} {weight.Shape}", start, 2.0 * x.Elements * weight.Shape[0]);
    }

    public override void Geglu(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.Gelu)
    {
        var start = Stopwatch.GetTimestamp();
        inner.Geglu(x, weight, bias, y, activation);
        Add("geglu", $"{x.Shape} {weight.Shape}", start, 2.0 * x.Elements * weight.Shape[0]);
    }

    public override void Conv2d(Tensor x, Tensor weight, Tensor? bias, Tensor y, Conv2dGeometry geometry, Tensor? shift = null, Tensor? residual = null)
    {
        var start = Stopwatch.GetTimestamp();
        inner.Conv2d(x, weight, bias, y, geometry, shift, residual);
        Add("conv2d", $"{x.Shape} {weight.Shape} stride {geometry.Stride}{(geometry.InputHeight > 0 ? " upsampled" : "")}", start, 2.0 * y.Elements * weight.Elements / weight.Shape[0]);
    }

    public override void GroupNorm(Tensor x, Tensor gamma, Tensor beta, Tensor y, int groups, float epsilon, bool silu)
    {
        var start = Stopwatch.GetTimestamp();
        inner.GroupNorm(x, gamma, beta, y, groups, epsilon, silu);
        Add("group_norm", $"{x.Shape}", start);
    }

    public override void LayerNorm(Tensor x, Tensor gamma, Tensor beta, Tensor y, float epsilon)
    {
        var start = Stopwatch.GetTimestamp();
        inner.LayerNorm(x, gamma, beta, y, epsilon);
        Add("layer_norm", $"{x.Shape}", start);
    }

    public override void RmsNorm(Tensor x, Tensor gamma, Tensor y, float epsilon)
    {
        var start = Stopwatch.GetTimestamp();
        inner.RmsNorm(x, gamma, y, epsilon);
        Add("rms_norm", $"{x.Shape}", start);
    }

    public override void Attention(Tensor q, Tensor k, Tensor v, Tensor y, int heads, float scale, AttentionMask mask = default)
    {
        var start = Stopwatch.GetTimestamp();
        inner.Attention(q, k, v, y, heads, scale, mask);
        Add("attention", $"{q.Shape} {k.Shape} heads {heads}", start, 4.0 * q.Elements * k.Shape[1]);
    }

    public override void Embedding(Tensor ids, Tensor table, Tensor? positions, Tensor y)
    {
        var start = Stopwatch.GetTimestamp();
        inner.Embedding(ids, table, positions, y);
        Add("embedding", $"{y.Shape}", start);
    }

    public override void TimestepEmbedding(Tensor values, Tensor y, bool flipSinToCos, float shift)
    {
        var start = Stopwatch.GetTimestamp();
        inner.TimestepEmbedding(values, y, flipSinToCos, shift);
        Add("timestep_embedding", $"{y.Shape}", start);
    }

    public override void Activate(Tensor x, Tensor y, Activation activation)
    {
        var start = Stopwatch.GetTimestamp();
        inner.Activate(x, y, activation);
        Add("activate", $"{x.Shape}", start);
    }

    public override void Combine(Tensor y, params ReadOnlySpan<Term> terms)
    {
        var start = Stopwatch.GetTimestamp();
        inner.Combine(y, terms);
        Add("combine", $"{y.Shape}", start);
    }

    public override void Blend(Tensor a, Tensor b, Tensor mask, Tensor y)
    {
        var start = Stopwatch.GetTimestamp();
        inner.Blend(a, b, mask, y);
        Add("blend", $"{y.Shape}", start);
    }

    public override void Concat(Tensor a, Tensor b, Tensor y)
    {
        var start = Stopwatch.GetTimestamp();
        inner.Concat(a, b, y);
        Add("concat", $"{y.Shape}", start);
    }

    public override void MeanTokens(Tensor x, Tensor? mask, Tensor y)
    {
        var start = Stopwatch.GetTimestamp();
        inner.MeanTokens(x, mask, y);
        Add("mean_tokens", $"{x.Shape}", start);
    }

    public override void Copy(Tensor x, Tensor y)
    {
        var start = Stopwatch.GetTimestamp();
        inner.Copy(x, y);
        Add("copy", $"{y.Shape}", start);
    }

    public override void ToChannelsLast(Tensor x, Tensor y)
    {
        var start = Stopwatch.GetTimestamp();
        inner.ToChannelsLast(x, y);
        Add("to_channels_last", $"{y.Shape}", start);
    }

    public override void ToChannelsFirst(Tensor x, Tensor y)
    {
        var start = Stopwatch.GetTimestamp();
        inner.ToChannelsFirst(x, y);
        Add("to_channels_first", $"{y.Shape}", start);
    }

    public override void RescaleGuidance(Tensor noise, Tensor text, float phi)
    {
        var start = Stopwatch.GetTimestamp();
        inner.RescaleGuidance(noise, text, phi);
        Add("rescale_guidance", $"{noise.Shape}", start);
    }

    void Add(string op, string shape, long start, double flops = 0)
    {
        var (calls, seconds, sum) = times.GetValueOrDefault((op, shape));
        times[(op, shape)] = (calls + 1, seconds + Stopwatch.GetElapsedTime(start).TotalSeconds, sum + flops);
    }
}
