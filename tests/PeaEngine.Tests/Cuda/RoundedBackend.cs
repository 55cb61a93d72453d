using PeaEngine.Backends;

namespace PeaEngine.Tests.Cuda;

/// <summary>
/// The CPU's ops with every activation rounded to a type where it is stored: what that type costs at the least, and so the measure of what a GPU's ops may cost in it. What is F32 by name stays F32;
/// an op that is given both, which a GPU refuses, fails.
/// </summary>
/// <param name="type">F16 or BF16.</param>
/// <param name="draw">
/// What rounding does to one number is chance. Given one, every output is moved before it is rounded, by an eighth of what rounding may move it at most: so little that it costs nothing beside the rounding, enough that after a few ops
/// all are rounded otherwise.
/// </param>
sealed class RoundedBackend(DType type, int? draw = null) : Backend
{
    readonly Random? random = draw is { } seed ? new(seed) : null;
    const long ScratchBytes = 1L << 28;

    readonly CpuBackend cpu = new(2);
    readonly List<(Tensor Single, Tensor Rounded)> outputs = [];
    Arena? scratch;
    DType? given;

    public override string Name => $"cpu in {type}";

    public override DType ActivationType => type;

    public override Storage Allocate(long bytes) => cpu.Allocate(bytes);

    public override void Upload(ReadOnlySpan<byte> source, Tensor destination, long byteOffset = 0) => cpu.Upload(source, destination, byteOffset);

    public override void Download(Tensor source, Span<byte> destination) => cpu.Download(source, destination);

    public override void Clear(Tensor tensor) => cpu.Clear(tensor);

    public override void Copy(Tensor x, Tensor y) => cpu.Copy(x, y);

    public override void Activate(Tensor x, Tensor y, Activation activation) => Do(() => cpu.Activate(In(x), Out(y), activation));

    public override void ActivateBackward(Tensor x, Tensor dy, Tensor dx, Activation activation) => Do(() => cpu.ActivateBackward(In(x), In(dy), Out(dx), activation));

    public override void AdamW(Tensor parameter, Tensor gradient, Tensor m, Tensor v, Tensor? average, Tensor step, AdamWSettings settings) => cpu.AdamW(parameter, gradient, m, v, average, step, settings);

    public override void AdamWFactors(Tensor squares, Tensor losses, Tensor rates, Tensor norm, Tensor step) => cpu.AdamWFactors(squares, losses, rates, norm, step);

    public override void Attention(Tensor q, Tensor k, Tensor v, Tensor y, int heads, float scale, AttentionMask mask = default, Tensor? logSumExp = null) =>
        Do(() => cpu.Attention(In(q), In(k), In(v), Out(y), heads, scale, mask with { Bias = Single(mask.Bias) }, Single(logSumExp)));

    public override void AttentionBackward(Tensor q, Tensor k, Tensor v, Tensor y, Tensor logSumExp, Tensor dy, Tensor dq, Tensor dk, Tensor dv, int heads, float scale, AttentionMask mask = default, Tensor? dBias = null) =>
        Do(() => cpu.AttentionBackward(In(q), In(k), In(v), In(y), logSumExp, In(dy), Out(dq), Out(dk), Out(dv), heads, scale, mask, dBias));

    public override void Blend(Tensor a, Tensor b, Tensor mask, Tensor y) => Do(() => cpu.Blend(In(a), In(b), In(mask), Out(y)));

    public override void Combine(Tensor y, params ReadOnlySpan<Term> terms)
    {
        var given = terms.ToArray();
        Do(() => cpu.Combine(Out(y), Array.ConvertAll(given, term => term with { Tensor = In(term.Tensor) })));
    }

    public override void Concat(Tensor a, Tensor b, Tensor y) => Do(() => cpu.Concat(In(a), In(b), Out(y)));

    public override void Conv2d(Tensor x, Tensor weight, Tensor? bias, Tensor y, Conv2dGeometry geometry, Tensor? shift = null, Tensor? residual = null) =>
        Do(() => cpu.Conv2d(In(x), Weight(weight), bias, Out(y), geometry, In(shift), In(residual)));

    public override void Conv2dBackward(Tensor dy, Tensor weight, Tensor dx, Conv2dGeometry geometry, Tensor? residual = null) =>
        Do(() => cpu.Conv2dBackward(In(dy), Weight(weight), Out(dx), geometry, In(residual)));

    public override void Conv2dWeightBackward(Tensor x, Tensor dy, Tensor dWeight, Conv2dGeometry geometry) => Do(() => cpu.Conv2dWeightBackward(In(x), In(dy), dWeight, geometry));

    public override void Embedding(Tensor ids, Tensor table, Tensor? positions, Tensor y) => Do(() => cpu.Embedding(ids, table, positions, Out(y)));

    public override void EmbeddingBackward(Tensor ids, Tensor dy, Tensor dTable) => Do(() => cpu.EmbeddingBackward(ids, In(dy), dTable));

    public override void GateBackward(Tensor h, Tensor dy, Tensor dh, Activation activation) => Do(() => cpu.GateBackward(In(h), In(dy), Out(dh), activation));

    public override void Geglu(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.Gelu) => Do(() => cpu.Geglu(In(x), Weight(weight), bias, Out(y), activation));

    public override void GroupNorm(Tensor x, Tensor gamma, Tensor beta, Tensor y, int groups, float epsilon, bool silu) => Do(() => cpu.GroupNorm(In(x), gamma, beta, Out(y), groups, epsilon, silu));

    public override void GroupNormBackward(Tensor x, Tensor gamma, Tensor beta, Tensor dy, Tensor dx, int groups, float epsilon, bool silu, Tensor? dGamma = null, Tensor? dBeta = null) =>
        Do(() => cpu.GroupNormBackward(In(x), gamma, beta, In(dy), Out(dx), groups, epsilon, silu, dGamma, dBeta));

    public override void LayerNorm(Tensor x, Tensor gamma, Tensor beta, Tensor y, float epsilon) => Do(() => cpu.LayerNorm(In(x), gamma, beta, Out(y), epsilon));

    public override void LayerNormBackward(Tensor x, Tensor gamma, Tensor dy, Tensor dx, float epsilon, Tensor? residual = null, Tensor? dGamma = null, Tensor? dBeta = null) =>
        Do(() => cpu.LayerNormBackward(In(x), gamma, In(dy), Out(dx), epsilon, In(residual), dGamma, dBeta));

    public override void Linear(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.None, Tensor? residual = null) =>
        Do(() => cpu.Linear(In(x), Weight(weight), bias, Out(y), activation, In(residual)));

    public override void LinearBackward(Tensor dy, Tensor weight, Tensor dx, Tensor? residual = null) => Do(() => cpu.LinearBackward(In(dy), Weight(weight), Out(dx), In(residual)));

    public override void LinearWeightBackward(Tensor x, Tensor dy, Tensor dWeight) => Do(() => cpu.LinearWeightBackward(In(x), In(dy), dWeight));

    public override void MeanTokens(Tensor x, Tensor? mask, Tensor y) => Do(() => cpu.MeanTokens(In(x), mask, Out(y)));

    public override void MeanTokensBackward(Tensor dy, Tensor? mask, Tensor dx, bool add) => Do(() => cpu.MeanTokensBackward(In(dy), mask, Out(dx), add));

    public override void Normals(ulong seed, uint stream, Tensor positions, Tensor y) => cpu.Normals(seed, stream, positions, y);

    public override void RescaleGuidance(Tensor noise, Tensor text, float phi) => cpu.RescaleGuidance(Single(noise), Single(text), phi);

    public override void ResizeBackward(Tensor dy, Tensor dx) => Do(() => cpu.ResizeBackward(In(dy), Out(dx)));

    public override void RmsNorm(Tensor x, Tensor gamma, Tensor y, float epsilon) => Do(() => cpu.RmsNorm(In(x), gamma, Out(y), epsilon));

    public override void RmsNormBackward(Tensor x, Tensor gamma, Tensor dy, Tensor dx, float epsilon, Tensor? residual = null, Tensor? dGamma = null) =>
        Do(() => cpu.RmsNormBackward(In(x), gamma, In(dy), Out(dx), epsilon, In(residual), dGamma));

    public override void Split(Tensor x, Tensor a, Tensor b) => Do(() => cpu.Split(In(x), Out(a), Out(b)));

    public override void SquaredError(Tensor a, Tensor b, Tensor y) => Do(() => cpu.SquaredError(In(a), In(b), y));

    public override void SquaredErrorBackward(Tensor a, Tensor b, Tensor scale, Tensor dx, bool add) => Do(() => cpu.SquaredErrorBackward(In(a), In(b), scale, Out(dx), add));

    public override void SumErrors(Tensor errors, Tensor samples, Tensor terms, Tensor sums) => cpu.SumErrors(errors, samples, terms, sums);

    public override void SumSquares(Tensor x, Tensor y) => Do(() => cpu.SumSquares(In(x), y));

    // A parameter's gradient is F32, a time embedding's an activation.
    public override void SumTokens(Tensor x, Tensor y) => Do(() => cpu.SumTokens(In(x), y.DType == type ? Out(y) : Single(y)));

    public override void TimestepEmbedding(Tensor values, Tensor y, bool flipSinToCos, float shift) => Do(() => cpu.TimestepEmbedding(Single(values), Out(y), flipSinToCos, shift));

    public override void ToChannelsFirst(Tensor x, Tensor y) => Do(() => cpu.ToChannelsFirst(In(x), Out(y)));

    public override void ToChannelsLast(Tensor x, Tensor y) => Do(() => cpu.ToChannelsLast(In(x), Out(y)));

    public override void Dispose()
    {
        scratch?.Dispose();
        cpu.Dispose();
    }

    /// <summary>An op's input in F32.</summary>
    Tensor In(Tensor x)
    {
        Assert.Equal(given ??= x.DType, x.DType);
        if (x.DType != type) return x;
        var single = Scratch.Scratch(x.Shape, DType.F32);
        cpu.Copy(x, single);
        return single;
    }

    Tensor? In(Tensor? x) => x is { } tensor ? In(tensor) : null;

    /// <summary>A weight that is trained stays F32 where it is stored; beside activations of 16 bits a product rounds it, too.</summary>
    Tensor Weight(Tensor weight)
    {
        if (given != type || weight.DType != DType.F32) return weight;
        var rounded = Scratch.Scratch(weight.Shape, type);
        cpu.Copy(weight, rounded);
        return rounded;
    }

    /// <summary>What is F32 whatever activations are.</summary>
    static Tensor Single(Tensor x)
    {
        Assert.Equal(DType.F32, x.DType);
        return x;
    }

    static Tensor? Single(Tensor? x) => x is { } tensor ? Single(tensor) : null;

    /// <summary>An op's output in F32, with what is there for those that add to it; rounded when the op is done.</summary>
    Tensor Out(Tensor y)
    {
        var single = In(y);
        if (y.DType == type) outputs.Add((single, y));
        return single;
    }

    void Do(Action op)
    {
        given = null;
        op();
        foreach (var (single, rounded) in outputs)
        {
            if (random != null) Move(single, random);
            cpu.Copy(single, rounded);
        }
        outputs.Clear();
        scratch?.ReleaseScratch(0);
    }

    void Move(Tensor single, Random random)
    {
        var most = Math.ScaleB(0.125, type == DType.F16 ? -11 : -8);
        var values = new float[single.Elements];
        cpu.Download(single, values);
        foreach (ref var value in values.AsSpan()) value += (float)(most * (2 * random.NextDouble() - 1) * value);
        cpu.Upload(values, single);
    }

    Arena Scratch => scratch ??= new(cpu, ScratchBytes);
}
