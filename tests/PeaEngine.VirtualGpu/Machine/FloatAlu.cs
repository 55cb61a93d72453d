using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>Operations on singles that flush subnormal numbers, saturate, approximate or round otherwise than to the nearest.</summary>
static unsafe class FloatAlu
{
    /// <summary>Bits of <see cref="Instr.Mode"/>; a <see cref="RoundingMode"/> lies above them.</summary>
    public const int FlushToZero = 1, Saturate = 2, RoundingShift = 2;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unary<TOp>(Warp w, Instr* i) where TOp : IUnary<float>
    {
        float* d = w.Lanes<float>(i->R[0]), a = w.Lanes<float>(i->R[1]);
        var (mask, mode) = (w.Mask(i), i->Mode);
        for (var k = 0; k < 32; k += Vector512<float>.Count) Alu.Store(Out(TOp.Do(In(a + k, mode)), mode), d + k, mask, k);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Binary<TOp>(Warp w, Instr* i) where TOp : IBinary<float>
    {
        float* d = w.Lanes<float>(i->R[0]), a = w.Lanes<float>(i->R[1]), b = w.Lanes<float>(i->R[2]);
        var (mask, mode) = (w.Mask(i), i->Mode);
        for (var k = 0; k < 32; k += Vector512<float>.Count) Alu.Store(Out(TOp.Do(In(a + k, mode), In(b + k, mode)), mode), d + k, mask, k);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Ternary<TOp>(Warp w, Instr* i) where TOp : ITernary<float>
    {
        float* d = w.Lanes<float>(i->R[0]), a = w.Lanes<float>(i->R[1]), b = w.Lanes<float>(i->R[2]), c = w.Lanes<float>(i->R[3]);
        var (mask, mode) = (w.Mask(i), i->Mode);
        for (var k = 0; k < 32; k += Vector512<float>.Count) Alu.Store(Out(TOp.Do(In(a + k, mode), In(b + k, mode), In(c + k, mode)), mode), d + k, mask, k);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Approximate<TOp>(Warp w, Instr* i) where TOp : IApproximate
    {
        float* d = w.Lanes<float>(i->R[0]), a = w.Lanes<float>(i->R[1]);
        var (mask, mode) = (w.Mask(i), i->Mode);
        for (var k = 0; k < 32; k += Vector512<float>.Count)
        {
            var (lower, upper) = Vector512.Widen(In(a + k, mode));
            Alu.Store(Out(Vector512.Narrow(TOp.Do(lower), TOp.Do(upper)), mode), d + k, mask, k);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rounded<TOp>(Warp w, Instr* i) where TOp : IRounded
    {
        float* d = w.Lanes<float>(i->R[0]), a = w.Lanes<float>(i->R[1]), b = w.Lanes<float>(i->R[2]), c = w.Lanes<float>(i->R[3]);
        var flush = (i->Mode & FlushToZero) != 0;
        for (var mask = w.Mask(i); mask != 0; mask &= mask - 1)
        {
            var lane = Warp.First(mask);
            var (x, y, z) = flush ? (Rounding.Flush(a[lane]), Rounding.Flush(b[lane]), Rounding.Flush(c[lane])) : (a[lane], b[lane], c[lane]);
            var result = Rounding.ToSingle(TOp.Do(x, y, z), (RoundingMode)(i->Mode >> RoundingShift));
            if (flush) result = Rounding.Flush(result);
            d[lane] = (i->Mode & Saturate) == 0 ? result : result > 0 ? Math.Min(result, 1) : 0;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> In(float* from, int mode) => (mode & FlushToZero) == 0 ? Vector512.Load(from) : Flush(Vector512.Load(from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> Out(Vector512<float> value, int mode)
    {
        if ((mode & FlushToZero) != 0) value = Flush(value);
        // What is not a number becomes zero: the larger number of it and zero.
        return (mode & Saturate) == 0 ? value : Vector512.MinNumber(Vector512.MaxNumber(value, Vector512<float>.Zero), Vector512<float>.One);
    }

    /// <summary>Zeros of the same sign in place of subnormal numbers.</summary>
    static Vector512<float> Flush(Vector512<float> a)
    {
        var sign = a.AsUInt32() & Vector512.Create(1u << 31);
        return Vector512.ConditionalSelect(Vector512.LessThan(a.AsUInt32() ^ sign, Vector512.Create(1u << 23)), sign, a.AsUInt32()).AsSingle();
    }
}
