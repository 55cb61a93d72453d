namespace PeaEngine.Randomness;

/// <summary>MT19937 as PyTorch's <c>at::mt19937</c> seeds and tempers it (Matsumoto and Nishimura, 1998).</summary>
sealed class MersenneTwister
{
    const int Length = 624, Middle = 397;

    readonly uint[] state = new uint[Length];
    int next = Length;

    /// <summary>Starts from the low 32 bits of <paramref name="seed"/>: torch ignores the rest.</summary>
    public MersenneTwister(ulong seed)
    {
        state[0] = (uint)seed;
        for (var i = 1u; i < Length; i++) state[i] = 1812433253u * (state[i - 1] ^ (state[i - 1] >> 30)) + i;
    }

    /// <summary>The next 32 bits.</summary>
    public uint Next32()
    {
        if (next == Length) Regenerate();
        var y = state[next++];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680;
        y ^= (y << 15) & 0xefc60000;
        return y ^ (y >> 18);
    }

    /// <summary>The next 64 bits, high word first.</summary>
    public ulong Next64()
    {
        var high = (ulong)Next32();
        return high << 32 | Next32();
    }

    void Regenerate()
    {
        for (var i = 0; i < Length; i++)
        {
            var y = (state[i] & 0x80000000) | (state[(i + 1) % Length] & 0x7fffffff);
            state[i] = state[(i + Middle) % Length] ^ (y >> 1) ^ ((y & 1) * 0x9908b0df);
        }
        next = 0;
    }
}
