using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

/// <summary>Vectors at the end of a row, where fewer elements than a vector's may be left.</summary>
static unsafe class SimdBlock
{
    /// <summary>The block size of elementwise ops, in elements: a job item long enough to be worth a thread's attention.</summary>
    public const int Elements = 16384;

    /// <summary>Items of a job over <paramref name="count"/> things in blocks of <paramref name="block"/>.</summary>
    public static int Count(long count, int block) => checked((int)((count + block - 1) / block));

    /// <summary>The sum of the squares, in single precision: for stretches so short that it is as good as a product's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float SumSquares<S, V>(float* x, long count) where S : struct, ISimd<V> where V : unmanaged
    {
        // Four sums, since one addition has to wait for the other.
        long i = 0;
        int w = S.Width;
        V s0 = S.Create(0), s1 = s0, s2 = s0, s3 = s0;
        for (; i <= count - 4 * w; i += 4 * w)
        {
            V x0 = S.Load(x + i), x1 = S.Load(x + i + w), x2 = S.Load(x + i + 2 * w), x3 = S.Load(x + i + 3 * w);
            s0 = S.Fma(x0, x0, s0);
            s1 = S.Fma(x1, x1, s1);
            s2 = S.Fma(x2, x2, s2);
            s3 = S.Fma(x3, x3, s3);
        }
        for (; i < count; i += w)
        {
            var rest = Load<S, V>(x + i, count - i);
            s0 = S.Fma(rest, rest, s0);
        }
        return S.Sum(S.Add(S.Add(s0, s1), S.Add(s2, s3)));
    }

    /// <summary>A vector, or as many elements as are <paramref name="left"/> and zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<S, V>(float* source, long left) where S : struct, ISimd<V> where V : unmanaged =>
        left >= S.Width ? S.Load(source) : S.Load(source, (int)left);

    /// <summary>A vector, or as many elements as are <paramref name="left"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<S, V>(float* destination, V value, long left) where S : struct, ISimd<V> where V : unmanaged
    {
        if (left >= S.Width) S.Store(destination, value);
        else S.Store(destination, value, (int)left);
    }
}
