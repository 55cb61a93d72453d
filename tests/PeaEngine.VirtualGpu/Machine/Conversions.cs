using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace PeaEngine.VirtualGpu.Machine;

readonly struct SingleOfS32 : IEach<float, int> { public static float Do(int a) => a; }

readonly struct SingleOfU32 : IEach<float, uint> { public static float Do(uint a) => a; }

readonly struct HalfOfSingle : IEach<uint, float>
{
    public static uint Do(float a) => float.IsNaN(a) ? 0x7FFFu : BitConverter.HalfToUInt16Bits((Half)a);
}

readonly struct Tf32OfSingle : IEach<uint, uint> { public static uint Do(uint a) => Conversion.ToTf32(a); }

/// <summary>Extends the lanes of half a vector.</summary>
interface IExtend<TFrom, TTo> { static abstract (Vector512<TTo> Lower, Vector512<TTo> Upper) Do(Vector512<TFrom> a); }

readonly struct ZeroExtend : IExtend<uint, ulong> { public static (Vector512<ulong> Lower, Vector512<ulong> Upper) Do(Vector512<uint> a) => Vector512.Widen(a); }

readonly struct SignExtend : IExtend<int, long> { public static (Vector512<long> Lower, Vector512<long> Upper) Do(Vector512<int> a) => Vector512.Widen(a); }

/// <summary>Runs <c>cvt</c>: Mode is the place of its <see cref="ConversionMode"/> in the program.</summary>
static unsafe class Conversions
{
    /// <summary>R: d, a. Detail, Width: bytes of their lanes; Count: 2 if d has 16 bits.</summary>
    public static void Any(Warp w, Instr* i)
    {
        var mode = w.Cta.Program.Conversions[i->Mode];
        for (var mask = w.Mask(i); mask != 0; mask &= mask - 1)
        {
            var lane = Warp.First(mask);
            var result = Conversion.Convert(i->Width == 8 ? w.Lanes<ulong>(i->R[1])[lane] : w.Lanes<uint>(i->R[1])[lane], mode);
            if (mode.To == Ptx.PtxType.S8) result = (ulong)(sbyte)result;
            else if (mode.To == Ptx.PtxType.S16) result = (ulong)(short)result;
            else if (mode.To == Ptx.PtxType.S32) result = (ulong)(int)result;
            if (i->Detail == 8) w.Lanes<ulong>(i->R[0])[lane] = result;
            else w.Lanes<uint>(i->R[0])[lane] = i->Count == 2 ? (ushort)result : (uint)result;
        }
    }

    /// <summary>Two singles to a pair, the first in the upper half. R: d, a, b.</summary>
    public static void AnyPair(Warp w, Instr* i)
    {
        var mode = w.Cta.Program.Conversions[i->Mode];
        uint* d = w.Lanes<uint>(i->R[0]), a = w.Lanes<uint>(i->R[1]), b = w.Lanes<uint>(i->R[2]);
        for (var mask = w.Mask(i); mask != 0; mask &= mask - 1)
        {
            var lane = Warp.First(mask);
            d[lane] = (uint)(Conversion.Convert(a[lane], mode) << 16 | Conversion.Convert(b[lane], mode));
        }
    }

    /// <inheritdoc cref="AnyPair"/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void HalfPair(Warp w, Instr* i)
    {
        var d = w.Lanes<uint>(i->R[0]);
        float* a = w.Lanes<float>(i->R[1]), b = w.Lanes<float>(i->R[2]);
        for (var mask = w.Mask(i); mask != 0; mask &= mask - 1)
        {
            var lane = Warp.First(mask);
            d[lane] = HalfOfSingle.Do(a[lane]) << 16 | HalfOfSingle.Do(b[lane]);
        }
    }

    public static void ToTf32(Warp w, Instr* i) => Alu.Each<uint, uint, Tf32OfSingle>(w, i);

    /// <summary>32 bits to 64.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Widen<TFrom, TTo, TExtend>(Warp w, Instr* i) where TFrom : unmanaged where TTo : unmanaged where TExtend : IExtend<TFrom, TTo>
    {
        var d = w.Lanes<TTo>(i->R[0]);
        var a = w.Lanes<TFrom>(i->R[1]);
        var mask = w.Mask(i);
        for (var k = 0; k < 32; k += 16)
        {
            var (lower, upper) = TExtend.Do(Vector512.Load(a + k));
            Alu.Store(lower, d + k, mask, k);
            Alu.Store(upper, d + k + 8, mask, k + 8);
        }
    }
}
