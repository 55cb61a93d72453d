using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace PeaEngine.Backends;

/// <summary>128-bit vectors of whatever the processor has: 4×8 tiles, 8 of 16 registers hold sums.</summary>
readonly unsafe struct GemmPortable : IGemmKernel
{
    public static int Rows => 4;

    public static int Columns => 8;

    public static int TransposeSize => 4;

    public static int TileRows(int left) => left > 1 ? 4 : 1;

    public static void Multiply(int rows, float* a, nint aStride, float* b, int depth, float* c, nint cStride, bool add, float* next)
    {
        switch (rows)
        {
            case 1: Tile1(a, aStride, b, depth, c, cStride, add, next); break;
            default: Tile4(a, aStride, b, depth, c, cStride, add, next); break;
        }
    }

    public static void Transpose(byte* from, nint fromBytes, uint* to, nint toStride)
    {
        for (var i = 0; i < 4; i++)
        {
            var row = (uint*)(from + i * fromBytes);
            for (var j = 0; j < 4; j++) to[j * toStride + i] = row[j];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransposeF16(byte* from, nint fromBytes, float* to, nint toStride)
    {
        var pairs = stackalloc uint[16];
        Transpose(from, fromBytes, pairs, 4);
        for (var i = 0; i < 4; i++, to += 2 * toStride)
        {
            var pair = Vector128.Load(pairs + 4 * i);
            Widen((pair & Vector128.Create(0x7fffu)) << 13, pair << 16).Store(to);
            Widen((pair >> 3) & Vector128.Create(0x0fffe000u), pair).Store(to + toStride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransposeBF16(byte* from, nint fromBytes, float* to, nint toStride)
    {
        var pairs = stackalloc uint[16];
        Transpose(from, fromBytes, pairs, 4);
        for (var i = 0; i < 4; i++, to += 2 * toStride)
        {
            var pair = Vector128.Load(pairs + 4 * i);
            (pair << 16).AsSingle().Store(to);
            (pair & Vector128.Create(0xffff0000u)).AsSingle().Store(to + toStride);
        }
    }

    // The half's exponent and fraction, in a single's place, are the value over 2¹¹², subnormals too; infinities and NaN need the exponent full.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> Widen(Vector128<uint> magnitude, Vector128<uint> sign)
    {
        var value = (magnitude.AsSingle() * Vector128.Create(5.192296858534828e33f)).AsUInt32();
        var special = Vector128.GreaterThanOrEqual(magnitude.AsInt32(), Vector128.Create(0x0f800000)).AsUInt32() & Vector128.Create(0x7f800000u);
        return (value | special | (sign & Vector128.Create(0x80000000u))).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(float* c, Vector128<float> x, Vector128<float> y, bool add)
    {
        if (add)
        {
            x += Vector128.Load(c);
            y += Vector128.Load(c + 4);
        }
        x.Store(c);
        y.Store(c + 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Tile1(float* a, nint aStride, float* b, int depth, float* c, nint cStride, bool add, float* next)
    {
        Vector128<float> c0x = Vector128<float>.Zero, c0y = Vector128<float>.Zero;
        do
        {
            var b0 = Vector128.LoadAligned(b); var b1 = Vector128.LoadAligned(b + 4);
            var s = Vector128.Create(a[0]);
            c0x = Vector128.MultiplyAddEstimate(s, b0, c0x);
            c0y = Vector128.MultiplyAddEstimate(s, b1, c0y);
            b += 8;
            a++;
        }
        while (--depth != 0);
        Store(c, c0x, c0y, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Tile4(float* a, nint aStride, float* b, int depth, float* c, nint cStride, bool add, float* next)
    {
        var a3 = a + 3 * aStride;
        var twice = 2 * aStride;
        Vector128<float> c0x = Vector128<float>.Zero, c0y = Vector128<float>.Zero;
        Vector128<float> c1x = Vector128<float>.Zero, c1y = Vector128<float>.Zero;
        Vector128<float> c2x = Vector128<float>.Zero, c2y = Vector128<float>.Zero;
        Vector128<float> c3x = Vector128<float>.Zero, c3y = Vector128<float>.Zero;
        do
        {
            var b0 = Vector128.LoadAligned(b); var b1 = Vector128.LoadAligned(b + 4);
            var s = Vector128.Create(a[0]);
            c0x = Vector128.MultiplyAddEstimate(s, b0, c0x);
            c0y = Vector128.MultiplyAddEstimate(s, b1, c0y);
            s = Vector128.Create(a[aStride]);
            c1x = Vector128.MultiplyAddEstimate(s, b0, c1x);
            c1y = Vector128.MultiplyAddEstimate(s, b1, c1y);
            s = Vector128.Create(a[twice]);
            c2x = Vector128.MultiplyAddEstimate(s, b0, c2x);
            c2y = Vector128.MultiplyAddEstimate(s, b1, c2y);
            s = Vector128.Create(a3[0]);
            c3x = Vector128.MultiplyAddEstimate(s, b0, c3x);
            c3y = Vector128.MultiplyAddEstimate(s, b1, c3y);
            b += 8;
            a++;
            a3++;
        }
        while (--depth != 0);
        Store(c, c0x, c0y, add); c += cStride;
        Store(c, c1x, c1y, add); c += cStride;
        Store(c, c2x, c2y, add); c += cStride;
        Store(c, c3x, c3y, add);
    }
}
