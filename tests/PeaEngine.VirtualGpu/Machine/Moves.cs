using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>Instructions that move registers and take them apart. Registers have four or eight bytes a lane, 16-bit ones four.</summary>
static unsafe class Moves
{
    readonly struct Same<T> : IUnary<T> { public static Vector512<T> Do(Vector512<T> a) => a; }

    public static void Move32(Warp w, Instr* i) => Alu.Unary<uint, Same<uint>>(w, i);

    public static void Move64(Warp w, Instr* i) => Alu.Unary<ulong, Same<ulong>>(w, i);

    /// <summary>d = {a, b}: two halves of 32 bits.</summary>
    public static void Pack32(Warp w, Instr* i) => Alu.Each<uint, uint, uint, PackTwo>(w, i);

    /// <summary>{d, e} = a.</summary>
    public static void Unpack32(Warp w, Instr* i)
    {
        var a = w.Lanes<uint>(i->R[2]);
        for (var mask = w.Mask(i); mask != 0; mask &= mask - 1)
        {
            var lane = Warp.First(mask);
            var value = a[lane];
            if (i->R[0] >= 0) w.Lanes<uint>(i->R[0])[lane] = (ushort)value;
            if (i->R[1] >= 0) w.Lanes<uint>(i->R[1])[lane] = value >> 16;
        }
    }

    /// <summary>d = {a, …}: 64 bits of two registers, or of four of 16 bits.</summary>
    public static void Pack64(Warp w, Instr* i)
    {
        var d = w.Lanes<ulong>(i->R[0]);
        var bits = 64 / i->Count;
        for (var mask = w.Mask(i); mask != 0; mask &= mask - 1)
        {
            var lane = Warp.First(mask);
            ulong value = 0;
            for (var k = 0; k < i->Count; k++) value |= (ulong)w.Lanes<uint>(i->R[1 + k])[lane] << k * bits;
            d[lane] = value;
        }
    }

    /// <summary>{d, …} = a.</summary>
    public static void Unpack64(Warp w, Instr* i)
    {
        var a = w.Lanes<ulong>(i->R[i->Count]);
        var bits = 64 / i->Count;
        for (var mask = w.Mask(i); mask != 0; mask &= mask - 1)
        {
            var lane = Warp.First(mask);
            for (var k = 0; k < i->Count; k++)
                if (i->R[k] >= 0) w.Lanes<uint>(i->R[k])[lane] = (uint)(a[lane] >> k * bits & (1ul << bits) - 1);
        }
    }

    /// <summary>d = a − base: from a generic address to one of a state space, or back with a negative offset.</summary>
    public static void Shift(Warp w, Instr* i)
    {
        ulong* d = w.Lanes<ulong>(i->R[0]), a = w.Lanes<ulong>(i->R[1]);
        var mask = w.Mask(i);
        var offset = Vector512.Create((ulong)i->Offset);
        for (var k = 0; k < 32; k += Vector512<ulong>.Count) Alu.Store(Vector512.Load(a + k) + offset, d + k, mask, k);
    }

    readonly struct PackTwo : IEach<uint, uint, uint> { public static uint Do(uint a, uint b) => (ushort)a | b << 16; }

    /// <summary>64-bit products of 32-bit numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MulWideS32(Warp w, Instr* i)
    {
        var d = w.Lanes<long>(i->R[0]);
        int* a = w.Lanes<int>(i->R[1]), b = w.Lanes<int>(i->R[2]);
        var mask = w.Mask(i);
        for (var k = 0; k < 32; k += Vector512<int>.Count)
        {
            var (x, y) = (Vector512.Widen(Vector512.Load(a + k)), Vector512.Widen(Vector512.Load(b + k)));
            Alu.Store(x.Lower * y.Lower, d + k, mask, k);
            Alu.Store(x.Upper * y.Upper, d + k + 8, mask, k + 8);
        }
    }

    /// <inheritdoc cref="MulWideS32"/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MulWideU32(Warp w, Instr* i)
    {
        var d = w.Lanes<ulong>(i->R[0]);
        uint* a = w.Lanes<uint>(i->R[1]), b = w.Lanes<uint>(i->R[2]);
        var mask = w.Mask(i);
        for (var k = 0; k < 32; k += Vector512<uint>.Count)
        {
            var (x, y) = (Vector512.Widen(Vector512.Load(a + k)), Vector512.Widen(Vector512.Load(b + k)));
            Alu.Store(x.Lower * y.Lower, d + k, mask, k);
            Alu.Store(x.Upper * y.Upper, d + k + 8, mask, k + 8);
        }
    }
}
