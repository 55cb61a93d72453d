using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>A format of 16 bits: how it becomes a single, and how a double that rounds on correctly becomes it.</summary>
interface INarrow
{
    static abstract float Widen(uint bits);
    static abstract ushort Round(double value);
    static abstract ushort One { get; }
}

readonly struct HalfFormat : INarrow
{
    public static float Widen(uint bits) => Rounding.FromHalf(bits);
    public static ushort Round(double value) => Rounding.ToHalf(value, RoundingMode.Nearest);
    public static ushort One => 0x3C00;
}

readonly struct BFloat16Format : INarrow
{
    public static float Widen(uint bits) => Rounding.FromBFloat16(bits);
    public static ushort Round(double value) => Rounding.ToBFloat16(value, RoundingMode.Nearest);
    public static ushort One => 0x3F80;
}

readonly struct NumberMin : IRounded { public static double Do(double a, double b, double c) => double.MinNumber(a, b); }

readonly struct NumberMax : IRounded { public static double Do(double a, double b, double c) => double.MaxNumber(a, b); }

readonly struct NaNMin : IRounded { public static double Do(double a, double b, double c) => Math.Min(a, b); }

readonly struct NaNMax : IRounded { public static double Do(double a, double b, double c) => Math.Max(a, b); }

readonly struct ScalarExp2 : IRounded { public static double Do(double a, double b, double c) => Math.Pow(2, a); }

readonly struct ScalarTanh : IRounded { public static double Do(double a, double b, double c) => Math.Tanh(a); }

/// <summary>Arithmetic of halves and bfloat16, alone or in pairs: every lane rounds once.</summary>
static unsafe class HalfAlu
{
    /// <summary>Bits of <see cref="Instr.Mode"/>.</summary>
    public const int Pair = 1, Saturate = 2, Relu = 4, FlushToZero = 8;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TFormat, TOp>(Warp w, Instr* i) where TFormat : INarrow where TOp : IRounded
    {
        uint* d = w.Lanes<uint>(i->R[0]), a = w.Lanes<uint>(i->R[1]), b = w.Lanes<uint>(i->R[2]), c = w.Lanes<uint>(i->R[3]);
        for (var mask = w.Mask(i); mask != 0; mask &= mask - 1)
        {
            var lane = Warp.First(mask);
            uint result = One<TFormat, TOp>(a[lane], b[lane], c[lane], i->Mode);
            if ((i->Mode & Pair) != 0) result |= (uint)One<TFormat, TOp>(a[lane] >> 16, b[lane] >> 16, c[lane] >> 16, i->Mode) << 16;
            d[lane] = result;
        }
    }

    static ushort One<TFormat, TOp>(uint a, uint b, uint c, int mode) where TFormat : INarrow where TOp : IRounded
    {
        var flush = (mode & FlushToZero) != 0;
        var result = TFormat.Round(TOp.Do(In<TFormat>(a, flush), In<TFormat>(b, flush), In<TFormat>(c, flush)));
        if (flush) result = Flush<TFormat>(result);
        if ((mode & (Saturate | Relu)) == 0) return result;
        var value = TFormat.Widen(result);
        if ((mode & Saturate) != 0) return !(value > 0) ? (ushort)0 : value > 1 ? TFormat.One : result;
        return value < 0 ? (ushort)0 : result;
    }

    static float In<TFormat>(uint bits, bool flush) where TFormat : INarrow => TFormat.Widen(flush ? Flush<TFormat>((ushort)bits) : (ushort)bits);

    /// <summary>Only halves flush: bfloat16 has no such variant of what is known here.</summary>
    static ushort Flush<TFormat>(ushort bits) where TFormat : INarrow => typeof(TFormat) == typeof(HalfFormat) && (bits & 0x7C00) == 0 ? (ushort)(bits & 0x8000) : bits;
}

/// <summary>Changes signs of one or two narrow numbers.</summary>
readonly struct FlipSigns<TBits> : IUnary<uint> where TBits : IBits
{
    public static Vector512<uint> Do(Vector512<uint> a) => a ^ Vector512.Create(TBits.Signs);
}

/// <summary>Clears signs of one or two narrow numbers.</summary>
readonly struct ClearSigns<TBits> : IUnary<uint> where TBits : IBits
{
    public static Vector512<uint> Do(Vector512<uint> a) => a & Vector512.Create(~TBits.Signs);
}

interface IBits { static abstract uint Signs { get; } }

readonly struct OneSign : IBits { public static uint Signs => 0x8000; }

readonly struct TwoSigns : IBits { public static uint Signs => 0x80008000; }
