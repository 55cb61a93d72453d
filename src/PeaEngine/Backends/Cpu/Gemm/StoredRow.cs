using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

/// <summary>A stretch of a stored row, as singles.</summary>
static unsafe class StoredRow
{
    /// <summary>Writes <paramref name="count"/> elements of <paramref name="from"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Widen<S, V>(byte* from, DType dtype, float* to, int count) where S : struct, ISimd<V> where V : unmanaged
    {
        if (dtype == DType.F32) Unsafe.CopyBlockUnaligned(to, from, (uint)count * sizeof(float));
        else if (dtype == DType.F16) Widen<StoredF16, S, V>(from, to, count);
        else Widen<StoredBF16, S, V>(from, to, count);
    }

    static void Widen<T, S, V>(byte* from, float* to, int count) where T : struct, IStored where S : struct, ISimd<V> where V : unmanaged
    {
        var i = 0;
        for (; i <= count - S.Width; i += S.Width) S.Store(to + i, T.Load<S, V>(from + i * T.Bytes));
        for (; i < count; i++) to[i] = T.Load(from + i * T.Bytes);
    }
}
