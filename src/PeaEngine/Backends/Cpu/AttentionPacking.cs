using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace PeaEngine.Backends;

/// <summary>Keys and values of one head in the order in which the tiles of attention read them.</summary>
static unsafe class AttentionPacking
{
    /// <summary>How far ahead of its use a row is asked for.</summary>
    public const int RowsAhead = 8;

    /// <summary>
    /// Asks for a row before its time. The rows of a head lie apart by those of the others, which the processor does not foresee.
    /// The address may be behind the tensor's end: asking is no access.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(float* row, int elements)
    {
        if (!Sse.IsSupported) return;
        for (var i = 0; i < elements; i += 16) Sse.Prefetch0(row + i);
    }

    /// <summary>Panels of two vectors of keys, [D, 2·Width], the last of one vector where that is enough; missing keys are zeros.</summary>
    /// <param name="from">[count, D], rows <paramref name="stride"/> apart</param>
    /// <param name="stride">Elements from one key to the next.</param>
    /// <param name="count">How many keys.</param>
    /// <param name="depth">D</param>
    /// <param name="to">The panels, one after the other.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Keys<S, V>(float* from, int stride, int count, int depth, float* to) where S : struct, ISimd<V> where V : unmanaged
    {
        for (var key = 0; key < count; key += 2 * S.Width)
        {
            var width = count - key > S.Width ? 2 * S.Width : S.Width;
            var panel = to + (long)key * depth;
            for (var i = 0; i < width; i += 4)
            {
                var row = from + (long)(key + i) * stride;
                var left = count - key - i;
                for (var ahead = RowsAhead; ahead < RowsAhead + 4; ahead++) Prefetch(row + (long)ahead * stride, depth);
                if (left >= 4) Transpose(row, stride, depth, panel + i, width);
                else
                    for (var j = 0; j < 4; j++)
                        for (var d = 0; d < depth; d++) panel[d * width + i + j] = j < left ? row[(long)j * stride + d] : 0;
            }
        }
    }

    /// <summary>Panels of two vectors of columns, [block, 2·Width], the last of one vector where that is enough; missing columns are zeros.</summary>
    /// <param name="from">[count, D], rows <paramref name="stride"/> apart</param>
    /// <param name="stride">Elements from one key's values to the next.</param>
    /// <param name="count">How many keys.</param>
    /// <param name="depth">D</param>
    /// <param name="block">The keys that a panel has room for.</param>
    /// <param name="to">The panels, one after the other.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Values<S, V>(float* from, int stride, int count, int depth, int block, float* to) where S : struct, ISimd<V> where V : unmanaged
    {
        for (var d = 0; d < depth; d += 2 * S.Width)
        {
            var panel = to + (long)d * block;
            var left = depth - d;
            if (left > S.Width)
                for (var key = 0; key < count; key++)
                {
                    var row = from + (long)key * stride + d;
                    Prefetch(row + (long)RowsAhead * stride, 2 * S.Width);
                    S.Store(panel + key * 2 * S.Width, S.Load(row));
                    S.Store(panel + (key * 2 + 1) * S.Width, SimdBlock.Load<S, V>(row + S.Width, left - S.Width));
                }
            else
                for (var key = 0; key < count; key++)
                {
                    var row = from + (long)key * stride + d;
                    Prefetch(row + (long)RowsAhead * stride, left);
                    S.Store(panel + key * S.Width, SimdBlock.Load<S, V>(row, left));
                }
        }
    }

    /// <summary>Rows one after the other, ending with zeros for a whole number of vectors.</summary>
    /// <param name="from">[count, D], rows <paramref name="stride"/> apart</param>
    /// <param name="stride">Elements from one row to the next.</param>
    /// <param name="count">How many rows.</param>
    /// <param name="depth">D</param>
    /// <param name="to">Rows <paramref name="step"/> apart.</param>
    /// <param name="step">D rounded up to Width, or more.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows<S, V>(float* from, int stride, int count, int depth, float* to, int step) where S : struct, ISimd<V> where V : unmanaged
    {
        for (var row = 0; row < count; row++, from += stride, to += step)
        {
            Prefetch(from + (long)RowsAhead * stride, depth);
            for (var d = 0; d < depth; d += S.Width) S.Store(to + d, SimdBlock.Load<S, V>(from + d, depth - d));
        }
    }

    // Four keys at a time; where the processor can, in squares of four.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Transpose(float* from, int stride, int depth, float* to, int width)
    {
        float* k0 = from, k1 = k0 + stride, k2 = k1 + stride, k3 = k2 + stride;
        var d = 0;
        if (Sse.IsSupported)
            for (; d <= depth - 4; d += 4)
            {
                Vector128<float> a = Sse.LoadVector128(k0 + d), b = Sse.LoadVector128(k1 + d), c = Sse.LoadVector128(k2 + d), e = Sse.LoadVector128(k3 + d);
                Vector128<float> ab = Sse.UnpackLow(a, b), ce = Sse.UnpackLow(c, e), abHigh = Sse.UnpackHigh(a, b), ceHigh = Sse.UnpackHigh(c, e);
                Sse.Store(to + d * width, Sse.MoveLowToHigh(ab, ce));
                Sse.Store(to + (d + 1) * width, Sse.MoveHighToLow(ce, ab));
                Sse.Store(to + (d + 2) * width, Sse.MoveLowToHigh(abHigh, ceHigh));
                Sse.Store(to + (d + 3) * width, Sse.MoveHighToLow(ceHigh, abHigh));
            }
        for (; d < depth; d++)
        {
            to[d * width] = k0[d];
            to[d * width + 1] = k1[d];
            to[d * width + 2] = k2[d];
            to[d * width + 3] = k3[d];
        }
    }
}
