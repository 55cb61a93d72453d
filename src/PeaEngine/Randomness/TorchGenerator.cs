namespace PeaEngine.Randomness;

/// <summary>
/// PyTorch's CPU generator, <c>torch.Generator().manual_seed(seed)</c>: the same seed and the same sequence of draws give torch's
/// numbers. A draw of n values is not a prefix of a draw of more, as in torch. Not for use from several threads at once.
/// </summary>
public sealed class TorchGenerator
{
    MersenneTwister engine;
    double? nextNormal;

    /// <summary>A generator after <c>manual_seed</c>.</summary>
    public TorchGenerator(ulong seed) => (Seed, engine) = (seed, new(seed));

    /// <summary>The seed it was last started from.</summary>
    public ulong Seed { get; private set; }

    /// <summary>
    /// torch's <c>manual_seed</c>: starts afresh and forgets a kept normal. Only the low 32 bits count; a negative seed of Python's is
    /// its two's complement.
    /// </summary>
    public void ManualSeed(ulong seed) => (Seed, engine, nextNormal) = (seed, new(seed), null);

    /// <summary><c>torch.rand</c>: uniform in [0, 1), with 24 bits.</summary>
    public void Rand(Span<float> values)
    {
        foreach (ref var value in values) value = Uniform();
    }

    /// <summary>
    /// <c>torch.randn</c>: standard normal. Bit for bit torch's from 16 values on; fewer take the C library's functions in double
    /// precision and may differ in the last bit.
    /// </summary>
    public void Randn(Span<float> values)
    {
        if (values.Length < BoxMuller.Block)
        {
            foreach (ref var value in values) value = (float)Normal();
            return;
        }
        Rand(values);
        var blocks = values.Length / BoxMuller.Block;
        for (var i = 0; i < blocks; i++) BoxMuller.Transform(values.Slice(i * BoxMuller.Block, BoxMuller.Block));
        if (values.Length % BoxMuller.Block == 0) return;
        // The last 16 values are drawn again, those that the whole blocks already made among them.
        var tail = values[^BoxMuller.Block..];
        Rand(tail);
        BoxMuller.Transform(tail);
    }

    /// <summary><c>torch.randn</c> with <c>dtype=torch.float64</c>: standard normal, to the C library's last bits.</summary>
    public void Randn(Span<double> values)
    {
        if (values.Length < BoxMuller.Block)
        {
            foreach (ref var value in values) value = Normal();
            return;
        }
        foreach (ref var value in values) value = UniformDouble();
        var blocks = values.Length / BoxMuller.Block;
        for (var i = 0; i < blocks; i++) BoxMuller.Transform(values.Slice(i * BoxMuller.Block, BoxMuller.Block));
        if (values.Length % BoxMuller.Block == 0) return;
        var tail = values[^BoxMuller.Block..];
        foreach (ref var value in tail) value = UniformDouble();
        BoxMuller.Transform(tail);
    }

    /// <summary><c>torch.randn</c> with <c>dtype=torch.float16</c>: standard normal, rounded from single precision.</summary>
    public void Randn(Span<Half> values)
    {
        var singles = new float[values.Length];
        RandnByBlocks(singles);
        for (var i = 0; i < values.Length; i++) values[i] = (Half)singles[i];
    }

    /// <summary><c>torch.randn</c> with <c>dtype=torch.bfloat16</c>: standard normal, rounded from single precision, as the format's bits.</summary>
    public void RandnBFloat16(Span<ushort> values)
    {
        var singles = new float[values.Length];
        RandnByBlocks(singles);
        for (var i = 0; i < values.Length; i++)
        {
            var bits = BitConverter.SingleToUInt32Bits(singles[i]);
            values[i] = (ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
        }
    }

    /// <summary><c>torch.randint</c>: one number in [low, high).</summary>
    /// <exception cref="PeaException">The range is empty, or 2²⁸ or more, where torch draws otherwise.</exception>
    public long RandInt(long low, long high)
    {
        var range = unchecked((ulong)(high - low));
        if (high <= low || range >= 1 << 28)
            throw new PeaException($"randint: from {low} to {high}, expected a range of 1 to {(1 << 28) - 1}");
        return low + (long)(engine.Next32() % range);
    }

    /// <summary><c>torch.randperm</c>: the numbers 0 to n-1 in a random order, n being the length.</summary>
    public void RandPerm(Span<long> values)
    {
        for (var i = 0; i < values.Length; i++) values[i] = i;
        for (var i = 0; i < values.Length - 1; i++)
        {
            var other = i + (int)(engine.Next32() % (uint)(values.Length - i));
            (values[i], values[other]) = (values[other], values[i]);
        }
    }

    /// <summary>One number from <c>normal_distribution&lt;double&gt;</c>, which makes two at a time and keeps the second.</summary>
    double Normal()
    {
        if (nextNormal is { } kept)
        {
            nextNormal = null;
            return kept;
        }
        var (u1, u2) = (UniformDouble(), UniformDouble());
        // log1p(-u2) in torch; 1 - u2 is exact for a multiple of 2^-53.
        var radius = Math.Sqrt(-2 * Math.Log(1 - u2));
        var theta = 2 * Math.PI * u1;
        nextNormal = radius * Math.Sin(theta);
        return radius * Math.Cos(theta);
    }

    /// <summary>
    /// The normals of torch's 16-bit formats: its loop draws each block when it comes to it, so unlike in single precision no uniforms
    /// are drawn for the values that the last block makes.
    /// </summary>
    void RandnByBlocks(Span<float> values)
    {
        if (values.Length < BoxMuller.Block || values.Length % BoxMuller.Block == 0)
        {
            Randn(values);
            return;
        }
        Randn(values[..(values.Length / BoxMuller.Block * BoxMuller.Block)]);
        Randn(values[^BoxMuller.Block..]);
    }

    float Uniform() => (engine.Next32() & ((1u << 24) - 1)) * (1f / (1u << 24));

    double UniformDouble() => (engine.Next64() & ((1UL << 53) - 1)) * (1.0 / (1UL << 53));
}
