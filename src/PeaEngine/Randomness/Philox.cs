using System.Diagnostics;

namespace PeaEngine.Randomness;

/// <summary>
/// Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11): random numbers that are a function of
/// a seed, a stream and a position alone, so that those of any step are had without drawing those before. The seed is the key; the counter
/// is, from its low words up, the block's index within the draws, the stream, and the position. Every machine gives the same bits.
/// </summary>
public sealed class Philox
{
    const int Rounds = 10, Words = 4;

    readonly ulong seed, position;
    readonly uint stream;
    readonly uint[] words = new uint[Words];
    ulong block;
    int next = Words;

    /// <summary>Begins at the first number.</summary>
    /// <param name="seed">The seed of everything.</param>
    /// <param name="stream">What is drawn: streams of one position have nothing in common.</param>
    /// <param name="position">For what it is drawn, such as a sample's place in the order of a training run.</param>
    public Philox(ulong seed, uint stream, ulong position) => (this.seed, this.stream, this.position) = (seed, stream, position);

    /// <summary>The next 32 bits.</summary>
    public uint Next32()
    {
        if (next == Words)
        {
            Debug.Assert(block <= uint.MaxValue, "more than 2^34 numbers of one stream and position");
            Block((uint)seed, (uint)(seed >> 32), (uint)block++, stream, (uint)position, (uint)(position >> 32), words);
            next = 0;
        }
        return words[next++];
    }

    /// <summary>A number in [0, 1) of 24 bits.</summary>
    public float Uniform() => ToUniform(Next32());

    /// <summary>A number in [0, 1) of 53 bits, for weighing what is many.</summary>
    public double UniformDouble() => ((ulong)(Next32() >> 5) << 26 | Next32() >> 6) * (1.0 / (1L << 53));

    /// <summary>A whole number from 0 to <paramref name="count"/>-1, each as likely as any other (Lemire's product, drawn again where it would be uneven).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The count is not positive.</exception>
    public int Below(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        var bound = (uint)count;
        var product = (ulong)Next32() * bound;
        if ((uint)product < bound)
            for (var uneven = unchecked(0u - bound) % bound; (uint)product < uneven;) product = (ulong)Next32() * bound;
        return (int)(product >> 32);
    }

    /// <summary>Shuffles by Fisher and Yates, from the end on: every order is as likely.</summary>
    public void Shuffle<T>(Span<T> values)
    {
        for (var i = values.Length - 1; i > 0; i--)
        {
            var other = Below(i + 1);
            (values[i], values[other]) = (values[other], values[i]);
        }
    }

    /// <summary>Standard normals by Box-Muller, 16 uniforms at a time: n of them are the first n of any more.</summary>
    public void Normals(Span<float> values)
    {
        Span<float> last = stackalloc float[BoxMuller.Block];
        while (!values.IsEmpty)
        {
            var whole = values.Length >= BoxMuller.Block;
            var some = whole ? values[..BoxMuller.Block] : last;
            foreach (ref var value in some) value = Uniform();
            BoxMuller.Transform(some);
            if (!whole)
            {
                some[..values.Length].CopyTo(values);
                return;
            }
            values = values[BoxMuller.Block..];
        }
    }

    static float ToUniform(uint word) => (word >> 8) * (1f / (1 << 24));

    /// <summary>Some of what <see cref="Normals"/> of a new generator gives: 16 numbers.</summary>
    /// <param name="seed">The seed of everything.</param>
    /// <param name="stream">What is drawn.</param>
    /// <param name="position">For what it is drawn.</param>
    /// <param name="index">How many times 16 are before them.</param>
    /// <param name="values">[16]</param>
    internal static void NormalBlock(ulong seed, uint stream, ulong position, uint index, Span<float> values)
    {
        Span<uint> words = stackalloc uint[Words];
        for (var i = 0; i < BoxMuller.Block; i += Words)
        {
            Block((uint)seed, (uint)(seed >> 32), index * (BoxMuller.Block / Words) + (uint)(i / Words), stream, (uint)position, (uint)(position >> 32), words);
            for (var j = 0; j < Words; j++) values[i + j] = ToUniform(words[j]);
        }
        BoxMuller.Transform(values);
    }

    /// <summary>The cipher: 128 bits of counter, low word first, to 128 random bits.</summary>
    internal static void Block(uint key0, uint key1, uint c0, uint c1, uint c2, uint c3, Span<uint> result)
    {
        const uint M0 = 0xD2511F53, M1 = 0xCD9E8D57, W0 = 0x9E3779B9, W1 = 0xBB67AE85;
        for (var round = 0; round < Rounds; round++)
        {
            var (product0, product1) = ((ulong)M0 * c0, (ulong)M1 * c2);
            (c0, c1, c2, c3) = ((uint)(product1 >> 32) ^ c1 ^ key0, (uint)product1, (uint)(product0 >> 32) ^ c3 ^ key1, (uint)product0);
            key0 += W0;
            key1 += W1;
        }
        (result[0], result[1], result[2], result[3]) = (c0, c1, c2, c3);
    }
}
