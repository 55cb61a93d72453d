using PeaEngine.Backends;
using PeaEngine.Tests.Ops;

namespace PeaEngine.Tests.Cuda;

/// <summary>
/// A GPU's ops on tensors of the host: each op's tensors go to the device, activations and weights in the type that is tested, and come back. The device's have sentinels around them as the host's have.
/// </summary>
sealed class MirroredBackend(CudaBackend device, DType type) : Backend
{
    readonly CpuBackend host = new(1);
    readonly Dictionary<Storage, (Tensor Host, Storage Device, DType Type)> mirrors = [];

    public override string Name => device.Name;

    /// <summary>The type that a tensor of the host has on the device.</summary>
    public DType TypeOf(Tensor tensor) => mirrors[tensor.Storage].Type;

    public override Storage Allocate(long bytes) => host.Allocate(bytes);

    public override void Upload(ReadOnlySpan<byte> source, Tensor destination, long byteOffset = 0) => host.Upload(source, destination, byteOffset);

    public override void Download(Tensor source, Span<byte> destination) => host.Download(source, destination);

    public override void Clear(Tensor tensor) => Do(() => device.Clear(As(tensor)));

    public override void Activate(Tensor x, Tensor y, Activation activation) => Do(() => device.Activate(As(x), As(y), activation));

    public override void Attention(Tensor q, Tensor k, Tensor v, Tensor y, int heads, float scale, AttentionMask mask = default, Tensor? logSumExp = null) =>
        Do(() => device.Attention(As(q), As(k), As(v), As(y), heads, scale, mask with { KeyPadding = Raw(mask.KeyPadding), Bias = Raw(mask.Bias) }, Raw(logSumExp)));

    public override void Blend(Tensor a, Tensor b, Tensor mask, Tensor y) => Do(() => device.Blend(As(a), As(b), As(mask), As(y)));

    public override void Combine(Tensor y, params ReadOnlySpan<Term> terms)
    {
        var given = terms.ToArray();
        Do(() => device.Combine(As(y), given.Select(term => term with { Tensor = As(term.Tensor) }).ToArray()));
    }

    public override void CombineAt(Tensor y, Tensor coefficients, ReadOnlySpan<Tensor> terms)
    {
        var given = terms.ToArray();
        Do(() => device.CombineAt(Raw(y), Raw(coefficients), given.Select(term => Raw(term)).ToArray()));
    }

    public override void Concat(Tensor a, Tensor b, Tensor y) => Do(() => device.Concat(As(a), As(b), As(y)));

    public override void Conv2d(Tensor x, Tensor weight, Tensor? bias, Tensor y, Conv2dGeometry geometry, Tensor? shift = null, Tensor? residual = null) =>
        Do(() => device.Conv2d(As(x), Weight(weight), Raw(bias), As(y), geometry, As(shift), As(residual)));

    public override void Copy(Tensor x, Tensor y) => Do(() => device.Copy(Raw(x), Raw(y)));

    public override void Embedding(Tensor ids, Tensor table, Tensor? positions, Tensor y) => Do(() => device.Embedding(Raw(ids), Raw(table), Raw(positions), As(y)));

    public override void Geglu(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.Gelu) => Do(() => device.Geglu(As(x), Weight(weight), Raw(bias), As(y), activation));

    public override void GroupNorm(Tensor x, Tensor gamma, Tensor beta, Tensor y, int groups, float epsilon, bool silu) =>
        Do(() => device.GroupNorm(As(x), Raw(gamma), Raw(beta), As(y), groups, epsilon, silu));

    public override void LayerNorm(Tensor x, Tensor gamma, Tensor beta, Tensor y, float epsilon) => Do(() => device.LayerNorm(As(x), Raw(gamma), Raw(beta), As(y), epsilon));

    public override void Linear(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.None, Tensor? residual = null) =>
        Do(() => device.Linear(As(x), Weight(weight), Raw(bias), As(y), activation, As(residual)));

    public override void MeanTokens(Tensor x, Tensor? mask, Tensor y) => Do(() => device.MeanTokens(As(x), Raw(mask), As(y)));

    public override void Normals(ulong seed, uint stream, Tensor positions, Tensor y) => Do(() => device.Normals(seed, stream, Raw(positions), Raw(y)));

    public override void RescaleGuidance(Tensor noise, Tensor text, float phi) => Do(() => device.RescaleGuidance(Raw(noise), Raw(text), phi));

    public override void RmsNorm(Tensor x, Tensor gamma, Tensor y, float epsilon) => Do(() => device.RmsNorm(As(x), Raw(gamma), As(y), epsilon));

    public override void Split(Tensor x, Tensor a, Tensor b) => Do(() => device.Split(As(x), As(a), As(b)));

    public override void TimestepEmbedding(Tensor values, Tensor y, bool flipSinToCos, float shift) => Do(() => device.TimestepEmbedding(Raw(values), As(y), flipSinToCos, shift));

    public override void ToChannelsFirst(Tensor x, Tensor y) => Do(() => device.ToChannelsFirst(As(x), As(y)));

    public override void ToChannelsLast(Tensor x, Tensor y) => Do(() => device.ToChannelsLast(As(x), As(y)));

    public override void Dispose()
    {
        foreach (var (_, memory, _) in mirrors.Values) memory.Dispose();
        host.Dispose();
    }

    public override void ActivateBackward(Tensor x, Tensor dy, Tensor dx, Activation activation) => Do(() => device.ActivateBackward(As(x), As(dy), As(dx), activation));

    public override void AdamW(Tensor parameter, Tensor gradient, Tensor m, Tensor v, Tensor? average, Tensor step, AdamWSettings settings) =>
        Do(() => device.AdamW(Raw(parameter), Raw(gradient), Raw(m), Raw(v), Raw(average), Raw(step), settings));

    public override void AdamWFactors(Tensor squares, Tensor losses, Tensor rates, Tensor norm, Tensor step) => Do(() => device.AdamWFactors(Raw(squares), Raw(losses), Raw(rates), Raw(norm), Raw(step)));

    public override void AttentionBackward(Tensor q, Tensor k, Tensor v, Tensor y, Tensor logSumExp, Tensor dy, Tensor dq, Tensor dk, Tensor dv, int heads, float scale, AttentionMask mask = default, Tensor? dBias = null) =>
        Do(() => device.AttentionBackward(As(q), As(k), As(v), As(y), Raw(logSumExp), As(dy), As(dq), As(dk), As(dv), heads, scale, mask with { KeyPadding = Raw(mask.KeyPadding), Bias = Raw(mask.Bias) }, Raw(dBias)));

    public override void Conv2dBackward(Tensor dy, Tensor weight, Tensor dx, Conv2dGeometry geometry, Tensor? residual = null) => Do(() => device.Conv2dBackward(As(dy), Weight(weight), As(dx), geometry, As(residual)));

    public override void Conv2dWeightBackward(Tensor x, Tensor dy, Tensor dWeight, Conv2dGeometry geometry) => Do(() => device.Conv2dWeightBackward(As(x), As(dy), Raw(dWeight), geometry));

    public override void EmbeddingBackward(Tensor ids, Tensor dy, Tensor dTable) => Do(() => device.EmbeddingBackward(Raw(ids), As(dy), Raw(dTable)));

    public override void GateBackward(Tensor h, Tensor dy, Tensor dh, Activation activation) => Do(() => device.GateBackward(As(h), As(dy), As(dh), activation));

    public override void GroupNormBackward(Tensor x, Tensor gamma, Tensor beta, Tensor dy, Tensor dx, int groups, float epsilon, bool silu, Tensor? dGamma = null, Tensor? dBeta = null) =>
        Do(() => device.GroupNormBackward(As(x), Raw(gamma), Raw(beta), As(dy), As(dx), groups, epsilon, silu, Raw(dGamma), Raw(dBeta)));

    public override void LayerNormBackward(Tensor x, Tensor gamma, Tensor dy, Tensor dx, float epsilon, Tensor? residual = null, Tensor? dGamma = null, Tensor? dBeta = null) =>
        Do(() => device.LayerNormBackward(As(x), Raw(gamma), As(dy), As(dx), epsilon, As(residual), Raw(dGamma), Raw(dBeta)));

    public override void LinearBackward(Tensor dy, Tensor weight, Tensor dx, Tensor? residual = null) => Do(() => device.LinearBackward(As(dy), Weight(weight), As(dx), As(residual)));

    public override void LinearWeightBackward(Tensor x, Tensor dy, Tensor dWeight) => Do(() => device.LinearWeightBackward(As(x), As(dy), Raw(dWeight)));

    public override void MeanTokensBackward(Tensor dy, Tensor? mask, Tensor dx, bool add) => Do(() => device.MeanTokensBackward(As(dy), Raw(mask), As(dx), add));

    public override void ResizeBackward(Tensor dy, Tensor dx) => Do(() => device.ResizeBackward(As(dy), As(dx)));

    public override void RmsNormBackward(Tensor x, Tensor gamma, Tensor dy, Tensor dx, float epsilon, Tensor? residual = null, Tensor? dGamma = null) =>
        Do(() => device.RmsNormBackward(As(x), Raw(gamma), As(dy), As(dx), epsilon, As(residual), Raw(dGamma)));

    public override void SquaredError(Tensor a, Tensor b, Tensor y) => Do(() => device.SquaredError(As(a), As(b), Raw(y)));

    public override void SquaredErrorBackward(Tensor a, Tensor b, Tensor scale, Tensor dx, bool add) => Do(() => device.SquaredErrorBackward(As(a), As(b), Raw(scale), As(dx), add));

    public override void SumErrors(Tensor errors, Tensor samples, Tensor terms, Tensor sums) => Do(() => device.SumErrors(Raw(errors), Raw(samples), Raw(terms), Raw(sums)));

    public override void SumSquares(Tensor x, Tensor y) => Do(() => device.SumSquares(Raw(x), Raw(y)));

    // Of one sample it is a parameter's gradient, of several that of an activation, as a time embedding.
    public override void SumTokens(Tensor x, Tensor y) => Do(() => device.SumTokens(As(x), y.Shape[0] == 1 ? Raw(y) : As(y)));

    /// <summary>The device's memory of each tensor of the host, sentinels included, and its type there.</summary>
    public IReadOnlyDictionary<Storage, (Tensor Host, Storage Device, DType Type)> Mirrors => mirrors;

    /// <summary>A tensor of the device in the type that is tested, where the host's is of a type of weights.</summary>
    Tensor As(Tensor tensor) => On(tensor, tensor.DType.IsWeight() ? type : tensor.DType);

    Tensor? As(Tensor? tensor) => tensor is { } some ? As(some) : null;

    /// <summary>A weight: in its own type beside activations in F32, else in theirs.</summary>
    Tensor Weight(Tensor tensor) => type == DType.F32 ? Raw(tensor) : As(tensor);

    /// <summary>A tensor of the device in the host's type.</summary>
    Tensor Raw(Tensor tensor) => On(tensor, tensor.DType);

    Tensor? Raw(Tensor? tensor) => tensor is { } some ? Raw(some) : null;

    Tensor On(Tensor tensor, DType to)
    {
        if (!mirrors.TryGetValue(tensor.Storage, out var mirror))
        {
            var size = tensor.Elements * to.SizeInBytes();
            var fence = (int)tensor.ByteOffset;
            mirror = (tensor, device.Allocate(size + 2 * fence), to);
            mirrors.Add(tensor.Storage, mirror);
            var image = new byte[mirror.Device.Bytes];
            image.AsSpan().Fill(Fenced.Sentinel);
            Values.Convert(Bytes(tensor), tensor.DType, image.AsSpan(fence, (int)size), to);
            device.Upload(image, Whole(mirror.Device));
        }
        Assert.Equal(to, mirror.Type);
        var first = mirror.Host.ByteOffset;
        return new(mirror.Device, first + (tensor.ByteOffset - first) / tensor.DType.SizeInBytes() * to.SizeInBytes(), tensor.Shape, to);
    }

    void Do(Action op)
    {
        op();
        foreach (var (tensor, memory, to) in mirrors.Values)
        {
            var fence = (int)tensor.ByteOffset;
            var image = new byte[memory.Bytes];
            device.Download(Whole(memory), image);
            Assert.Equal(-1, image.AsSpan(0, fence).IndexOfAnyExcept(Fenced.Sentinel));
            Assert.Equal(-1, image.AsSpan(image.Length - fence).IndexOfAnyExcept(Fenced.Sentinel));
            Values.Convert(image.AsSpan(fence, image.Length - 2 * fence), to, Bytes(tensor), tensor.DType);
        }
    }

    static Tensor Whole(Storage memory) => new(memory, 0, [checked((int)memory.Bytes)], DType.U8);

    static unsafe Span<byte> Bytes(Tensor tensor) => new((void*)tensor.Address, checked((int)tensor.Bytes));
}
