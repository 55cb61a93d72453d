using System.Numerics;
using System.Runtime.Intrinsics;

namespace PeaEngine.VirtualGpu.Machine;

// Operations on bits, each as the PTX ISA defines it.

readonly struct PopCount<T> : IEach<uint, T> where T : IBinaryInteger<T> { public static uint Do(T a) => uint.CreateTruncating(T.PopCount(a)); }

readonly struct LeadingZeros<T> : IEach<uint, T> where T : IBinaryInteger<T> { public static uint Do(T a) => uint.CreateTruncating(T.LeadingZeroCount(a)); }

readonly struct Reverse32 : IEach<uint, uint>
{
    public static uint Do(uint a)
    {
        a = a >> 1 & 0x55555555 | (a & 0x55555555) << 1;
        a = a >> 2 & 0x33333333 | (a & 0x33333333) << 2;
        a = a >> 4 & 0x0F0F0F0F | (a & 0x0F0F0F0F) << 4;
        return System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(a);
    }
}

readonly struct Reverse64 : IEach<ulong, ulong> { public static ulong Do(ulong a) => (ulong)Reverse32.Do((uint)a) << 32 | Reverse32.Do((uint)(a >> 32)); }

/// <summary>The place of the highest bit that is not the sign's, all ones if there is none.</summary>
readonly struct FindBit<T> : IEach<uint, T> where T : IBinaryInteger<T>
{
    public static uint Do(T a)
    {
        if (T.IsNegative(a)) a = ~a;
        return T.IsZero(a) ? uint.MaxValue : uint.CreateTruncating(T.Log2(a));
    }
}

/// <summary>The distance of the highest such bit from the top.</summary>
readonly struct FindBitShift<T> : IEach<uint, T> where T : IBinaryInteger<T>
{
    public static uint Do(T a) => FindBit<T>.Do(a) is var bit && bit == uint.MaxValue ? bit : (uint)(T.Zero.GetByteCount() * 8 - 1) - bit;
}

/// <summary>Bits from a position on, zero or sign extended; past the top comes the sign.</summary>
readonly struct ExtractBits<T> : IEach<T, T, uint, uint> where T : IBinaryInteger<T>, IMinMaxValue<T>
{
    public static T Do(T a, uint position, uint length)
    {
        var bits = T.Zero.GetByteCount() * 8;
        int at = (int)(position & 0xFF), count = (int)(length & 0xFF), there = Math.Clamp(bits - at, 0, count);
        var mask = there == bits ? ~T.Zero : (T.One << there) - T.One;
        var field = there == 0 ? T.Zero : a >>> at & mask;
        var isNegative = T.IsNegative(T.MinValue) && count > 0 && !T.IsZero(a >>> Math.Min(at + count - 1, bits - 1) & T.One);
        return isNegative ? field | ~mask : field;
    }
}

/// <summary>Puts the low bits of a into b, at a position c and of a length d, of which the low bytes count.</summary>
static unsafe class InsertBits
{
    public static void Run<T>(Warp w, Instr* i) where T : unmanaged, IBinaryInteger<T>
    {
        for (var mask = w.Mask(i); mask != 0; mask &= mask - 1)
        {
            var lane = Warp.First(mask);
            w.Lanes<T>(i->R[0])[lane] = Do(w.Lanes<T>(i->R[1])[lane], w.Lanes<T>(i->R[2])[lane], w.Lanes<uint>(i->R[3])[lane], w.Lanes<uint>(i->R[4])[lane]);
        }
    }

    static T Do<T>(T a, T b, uint position, uint length) where T : IBinaryInteger<T>
    {
        var bits = T.Zero.GetByteCount() * 8;
        int at = (int)(position & 0xFF), count = Math.Min((int)(length & 0xFF), bits - at);
        if (count <= 0) return b;
        var mask = (count == bits ? ~T.Zero : (T.One << count) - T.One) << at;
        return a << at & mask | b & ~mask;
    }
}

/// <summary>Chooses four of the eight bytes of two registers; a selector's high bit asks for the byte's sign.</summary>
readonly struct Permute : IEach<uint, uint, uint, uint>
{
    public static uint Do(uint a, uint b, uint selector)
    {
        var bytes = (ulong)b << 32 | a;
        uint result = 0;
        for (var k = 0; k < 4; k++)
        {
            var choice = selector >> 4 * k;
            var value = (byte)(bytes >> (int)(choice & 7) * 8);
            result |= (uint)((choice & 8) == 0 ? value : (byte)((sbyte)value >> 7)) << 8 * k;
        }
        return result;
    }
}

/// <summary>The upper half of b:a shifted left; the shift wraps at 32 or stops there.</summary>
readonly struct FunnelLeft<TShift> : IEach<uint, uint, uint, uint> where TShift : IShift
{
    public static uint Do(uint a, uint b, uint c) => (uint)(((ulong)b << 32 | a) << TShift.Do(c) >> 32);
}

/// <summary>The lower half of b:a shifted right.</summary>
readonly struct FunnelRight<TShift> : IEach<uint, uint, uint, uint> where TShift : IShift
{
    public static uint Do(uint a, uint b, uint c) => (uint)(((ulong)b << 32 | a) >> TShift.Do(c));
}

interface IShift { static abstract int Do(uint amount); }

readonly struct Wrap : IShift { public static int Do(uint amount) => (int)(amount & 31); }

readonly struct Clamp : IShift { public static int Do(uint amount) => (int)Math.Min(amount, 32); }

/// <summary>Any function of three bits, by its table of eight.</summary>
static unsafe class Lop3
{
    public static void Run(Warp w, Instr* i)
    {
        uint* d = w.Lanes<uint>(i->R[0]), a = w.Lanes<uint>(i->R[1]), b = w.Lanes<uint>(i->R[2]), c = w.Lanes<uint>(i->R[3]);
        var mask = w.Mask(i);
        for (var k = 0; k < 32; k += Vector512<uint>.Count)
        {
            Vector512<uint> x = Vector512.Load(a + k), y = Vector512.Load(b + k), z = Vector512.Load(c + k), result = default;
            for (var term = 0; term < 8; term++)
                if ((i->Mode >> term & 1) != 0) result |= ((term & 4) != 0 ? x : ~x) & ((term & 2) != 0 ? y : ~y) & ((term & 1) != 0 ? z : ~z);
            Alu.Store(result, d + k, mask, k);
        }
    }
}
