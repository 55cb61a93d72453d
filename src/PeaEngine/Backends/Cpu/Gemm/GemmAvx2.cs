using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace PeaEngine.Backends;

/// <summary>AVX2 and FMA: 6×16 tiles, 12 of the 16 registers hold sums.</summary>
readonly unsafe struct GemmAvx2 : IGemmKernel
{
    public static int Rows => 6;

    public static int Columns => 16;

    public static int TransposeSize => 8;

    public static int TileRows(int left) => left > 2 ? 6 : 2;

    public static void Multiply(int rows, float* a, nint aStride, float* b, int depth, float* c, nint cStride, bool add, float* next)
    {
        // The sums are long enough to fetch what they are stored to.
        for (nint r = 0; r < rows; r++) Prefetch.Fetch(c + r * cStride);
        switch (rows)
        {
            case 2: Tile2(a, aStride, b, depth, c, cStride, add, next); break;
            default: Tile6(a, aStride, b, depth, c, cStride, add, next); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(byte* from, nint fromBytes, uint* to, nint toStride)
    {
        var r0 = Vector256.Load((uint*)from);
        var r1 = Vector256.Load((uint*)(from + fromBytes));
        var r2 = Vector256.Load((uint*)(from + 2 * fromBytes));
        var r3 = Vector256.Load((uint*)(from + 3 * fromBytes));
        var r4 = Vector256.Load((uint*)(from + 4 * fromBytes));
        var r5 = Vector256.Load((uint*)(from + 5 * fromBytes));
        var r6 = Vector256.Load((uint*)(from + 6 * fromBytes));
        var r7 = Vector256.Load((uint*)(from + 7 * fromBytes));
        var s0 = Avx2.UnpackLow(r0, r1); var s1 = Avx2.UnpackHigh(r0, r1);
        var s2 = Avx2.UnpackLow(r2, r3); var s3 = Avx2.UnpackHigh(r2, r3);
        var s4 = Avx2.UnpackLow(r4, r5); var s5 = Avx2.UnpackHigh(r4, r5);
        var s6 = Avx2.UnpackLow(r6, r7); var s7 = Avx2.UnpackHigh(r6, r7);
        r0 = Low(s0, s2); r1 = High(s0, s2); r2 = Low(s1, s3); r3 = High(s1, s3);
        r4 = Low(s4, s6); r5 = High(s4, s6); r6 = Low(s5, s7); r7 = High(s5, s7);
        Avx2.Permute2x128(r0, r4, 0x20).Store(to); Avx2.Permute2x128(r0, r4, 0x31).Store(to + 4 * toStride);
        Avx2.Permute2x128(r1, r5, 0x20).Store(to + toStride); Avx2.Permute2x128(r1, r5, 0x31).Store(to + 5 * toStride);
        Avx2.Permute2x128(r2, r6, 0x20).Store(to + 2 * toStride); Avx2.Permute2x128(r2, r6, 0x31).Store(to + 6 * toStride);
        Avx2.Permute2x128(r3, r7, 0x20).Store(to + 3 * toStride); Avx2.Permute2x128(r3, r7, 0x31).Store(to + 7 * toStride);
    }

    static Vector256<uint> Low(Vector256<uint> x, Vector256<uint> y) => Avx2.UnpackLow(x.AsUInt64(), y.AsUInt64()).AsUInt32();

    static Vector256<uint> High(Vector256<uint> x, Vector256<uint> y) => Avx2.UnpackHigh(x.AsUInt64(), y.AsUInt64()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransposeF16(byte* from, nint fromBytes, float* to, nint toStride)
    {
        var pairs = stackalloc uint[64];
        Transpose(from, fromBytes, pairs, 8);
        for (var i = 0; i < 8; i++, to += 2 * toStride)
        {
            var pair = Vector256.Load(pairs + 8 * i);
            Widen((pair & Vector256.Create(0x7fffu)) << 13, pair << 16).Store(to);
            Widen((pair >> 3) & Vector256.Create(0x0fffe000u), pair).Store(to + toStride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransposeBF16(byte* from, nint fromBytes, float* to, nint toStride)
    {
        var pairs = stackalloc uint[64];
        Transpose(from, fromBytes, pairs, 8);
        for (var i = 0; i < 8; i++, to += 2 * toStride)
        {
            var pair = Vector256.Load(pairs + 8 * i);
            (pair << 16).AsSingle().Store(to);
            (pair & Vector256.Create(0xffff0000u)).AsSingle().Store(to + toStride);
        }
    }

    // The half's exponent and fraction, in a single's place, are the value over 2¹¹², subnormals too; infinities and NaN need the exponent full.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<float> Widen(Vector256<uint> magnitude, Vector256<uint> sign)
    {
        var value = (magnitude.AsSingle() * Vector256.Create(5.192296858534828e33f)).AsUInt32();
        var special = Vector256.GreaterThanOrEqual(magnitude.AsInt32(), Vector256.Create(0x0f800000)).AsUInt32() & Vector256.Create(0x7f800000u);
        return (value | special | (sign & Vector256.Create(0x80000000u))).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(float* c, Vector256<float> x, Vector256<float> y, bool add)
    {
        if (add)
        {
            x += Vector256.Load(c);
            y += Vector256.Load(c + 8);
        }
        x.Store(c);
        y.Store(c + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Tile2(float* a, nint aStride, float* b, int depth, float* c, nint cStride, bool add, float* next)
    {
        Vector256<float> c0x = Vector256<float>.Zero, c0y = Vector256<float>.Zero;
        Vector256<float> c1x = Vector256<float>.Zero, c1y = Vector256<float>.Zero;
        do
        {
            var b0 = Vector256.LoadAligned(b); var b1 = Vector256.LoadAligned(b + 8);
            var s = Vector256.Create(a[0]);
            c0x = Fma.MultiplyAdd(s, b0, c0x);
            c0y = Fma.MultiplyAdd(s, b1, c0y);
            s = Vector256.Create(a[aStride]);
            c1x = Fma.MultiplyAdd(s, b0, c1x);
            c1y = Fma.MultiplyAdd(s, b1, c1y);
            Prefetch.Fetch(next);
            next += Prefetch.Line;
            b += 16;
            a++;
        }
        while (--depth != 0);
        Store(c, c0x, c0y, add); c += cStride;
        Store(c, c1x, c1y, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Tile6(float* a, nint aStride, float* b, int depth, float* c, nint cStride, bool add, float* next)
    {
        var a3 = a + 3 * aStride;
        var twice = 2 * aStride;
        Vector256<float> c0x = Vector256<float>.Zero, c0y = Vector256<float>.Zero;
        Vector256<float> c1x = Vector256<float>.Zero, c1y = Vector256<float>.Zero;
        Vector256<float> c2x = Vector256<float>.Zero, c2y = Vector256<float>.Zero;
        Vector256<float> c3x = Vector256<float>.Zero, c3y = Vector256<float>.Zero;
        Vector256<float> c4x = Vector256<float>.Zero, c4y = Vector256<float>.Zero;
        Vector256<float> c5x = Vector256<float>.Zero, c5y = Vector256<float>.Zero;
        do
        {
            var b0 = Vector256.LoadAligned(b); var b1 = Vector256.LoadAligned(b + 8);
            var s = Vector256.Create(a[0]);
            c0x = Fma.MultiplyAdd(s, b0, c0x);
            c0y = Fma.MultiplyAdd(s, b1, c0y);
            s = Vector256.Create(a[aStride]);
            c1x = Fma.MultiplyAdd(s, b0, c1x);
            c1y = Fma.MultiplyAdd(s, b1, c1y);
            s = Vector256.Create(a[twice]);
            c2x = Fma.MultiplyAdd(s, b0, c2x);
            c2y = Fma.MultiplyAdd(s, b1, c2y);
            s = Vector256.Create(a3[0]);
            c3x = Fma.MultiplyAdd(s, b0, c3x);
            c3y = Fma.MultiplyAdd(s, b1, c3y);
            s = Vector256.Create(a3[aStride]);
            c4x = Fma.MultiplyAdd(s, b0, c4x);
            c4y = Fma.MultiplyAdd(s, b1, c4y);
            s = Vector256.Create(a3[twice]);
            c5x = Fma.MultiplyAdd(s, b0, c5x);
            c5y = Fma.MultiplyAdd(s, b1, c5y);
            Prefetch.Fetch(next);
            next += Prefetch.Line;
            b += 16;
            a++;
            a3++;
        }
        while (--depth != 0);
        Store(c, c0x, c0y, add); c += cStride;
        Store(c, c1x, c1y, add); c += cStride;
        Store(c, c2x, c2y, add); c += cStride;
        Store(c, c3x, c3y, add); c += cStride;
        Store(c, c4x, c4y, add); c += cStride;
        Store(c, c5x, c5y, add);
    }
}
