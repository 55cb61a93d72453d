using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

/// <summary>Vectors at the end of a row, where fewer elements than a vector's may be left.</summary>
static unsafe class SimdBlock
{
    /// <summary>The block size of elementwise ops, in elements: a job item long enough to be worth a thread's attention.</summary>
    public const int Elements = 16384;

    /// <summary>Items of a job over <paramref name="count"/> things in blocks of <paramref name="block"/>.</summary>
    public static int Count(long count, int block) => checked((int)((count + block - 1) / block));

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
