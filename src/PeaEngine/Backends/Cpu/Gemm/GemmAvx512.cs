using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace PeaEngine.Backends;

/// <summary>AVX-512: 12×32 tiles, 24 of the 32 registers hold sums.</summary>
readonly unsafe struct GemmAvx512 : IGemmKernel
{
    public static int Rows => 12;

    public static int Columns => 32;

    public static int TransposeSize => 16;

    public static int TileRows(int left) => left > 8 ? 12 : left > 4 ? 8 : 4;

    public static void Multiply(int rows, float* a, nint aStride, float* b, int depth, float* c, nint cStride, bool add, float* next)
    {
        // The sums are long enough to fetch what they are stored to.
        for (nint r = 0; r < rows; r++)
        {
            Prefetch.Fetch(c + r * cStride);
            Prefetch.Fetch(c + r * cStride + Prefetch.Line);
        }
        switch (rows)
        {
            case 4: Tile4(a, aStride, b, depth, c, cStride, add, next); break;
            case 8: Tile8(a, aStride, b, depth, c, cStride, add, next); break;
            default: Tile12(a, aStride, b, depth, c, cStride, add, next); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(byte* from, nint fromBytes, uint* to, nint toStride)
    {
        var r0 = Vector512.Load((uint*)from);
        var r1 = Vector512.Load((uint*)(from + fromBytes));
        var r2 = Vector512.Load((uint*)(from + 2 * fromBytes));
        var r3 = Vector512.Load((uint*)(from + 3 * fromBytes));
        var r4 = Vector512.Load((uint*)(from + 4 * fromBytes));
        var r5 = Vector512.Load((uint*)(from + 5 * fromBytes));
        var r6 = Vector512.Load((uint*)(from + 6 * fromBytes));
        var r7 = Vector512.Load((uint*)(from + 7 * fromBytes));
        var r8 = Vector512.Load((uint*)(from + 8 * fromBytes));
        var r9 = Vector512.Load((uint*)(from + 9 * fromBytes));
        var r10 = Vector512.Load((uint*)(from + 10 * fromBytes));
        var r11 = Vector512.Load((uint*)(from + 11 * fromBytes));
        var r12 = Vector512.Load((uint*)(from + 12 * fromBytes));
        var r13 = Vector512.Load((uint*)(from + 13 * fromBytes));
        var r14 = Vector512.Load((uint*)(from + 14 * fromBytes));
        var r15 = Vector512.Load((uint*)(from + 15 * fromBytes));
        var s0 = Avx512F.UnpackLow(r0, r1); var s1 = Avx512F.UnpackHigh(r0, r1);
        var s2 = Avx512F.UnpackLow(r2, r3); var s3 = Avx512F.UnpackHigh(r2, r3);
        var s4 = Avx512F.UnpackLow(r4, r5); var s5 = Avx512F.UnpackHigh(r4, r5);
        var s6 = Avx512F.UnpackLow(r6, r7); var s7 = Avx512F.UnpackHigh(r6, r7);
        var s8 = Avx512F.UnpackLow(r8, r9); var s9 = Avx512F.UnpackHigh(r8, r9);
        var s10 = Avx512F.UnpackLow(r10, r11); var s11 = Avx512F.UnpackHigh(r10, r11);
        var s12 = Avx512F.UnpackLow(r12, r13); var s13 = Avx512F.UnpackHigh(r12, r13);
        var s14 = Avx512F.UnpackLow(r14, r15); var s15 = Avx512F.UnpackHigh(r14, r15);
        r0 = Low(s0, s2); r1 = High(s0, s2); r2 = Low(s1, s3); r3 = High(s1, s3);
        r4 = Low(s4, s6); r5 = High(s4, s6); r6 = Low(s5, s7); r7 = High(s5, s7);
        r8 = Low(s8, s10); r9 = High(s8, s10); r10 = Low(s9, s11); r11 = High(s9, s11);
        r12 = Low(s12, s14); r13 = High(s12, s14); r14 = Low(s13, s15); r15 = High(s13, s15);
        s0 = Even(r0, r4); s4 = Odd(r0, r4); s8 = Even(r8, r12); s12 = Odd(r8, r12);
        s1 = Even(r1, r5); s5 = Odd(r1, r5); s9 = Even(r9, r13); s13 = Odd(r9, r13);
        s2 = Even(r2, r6); s6 = Odd(r2, r6); s10 = Even(r10, r14); s14 = Odd(r10, r14);
        s3 = Even(r3, r7); s7 = Odd(r3, r7); s11 = Even(r11, r15); s15 = Odd(r11, r15);
        Even(s0, s8).Store(to); Odd(s0, s8).Store(to + 8 * toStride);
        Even(s4, s12).Store(to + 4 * toStride); Odd(s4, s12).Store(to + 12 * toStride);
        Even(s1, s9).Store(to + toStride); Odd(s1, s9).Store(to + 9 * toStride);
        Even(s5, s13).Store(to + 5 * toStride); Odd(s5, s13).Store(to + 13 * toStride);
        Even(s2, s10).Store(to + 2 * toStride); Odd(s2, s10).Store(to + 10 * toStride);
        Even(s6, s14).Store(to + 6 * toStride); Odd(s6, s14).Store(to + 14 * toStride);
        Even(s3, s11).Store(to + 3 * toStride); Odd(s3, s11).Store(to + 11 * toStride);
        Even(s7, s15).Store(to + 7 * toStride); Odd(s7, s15).Store(to + 15 * toStride);
    }

    static Vector512<uint> Low(Vector512<uint> x, Vector512<uint> y) => Avx512F.UnpackLow(x.AsUInt64(), y.AsUInt64()).AsUInt32();

    static Vector512<uint> High(Vector512<uint> x, Vector512<uint> y) => Avx512F.UnpackHigh(x.AsUInt64(), y.AsUInt64()).AsUInt32();

    static Vector512<uint> Even(Vector512<uint> x, Vector512<uint> y) => Avx512F.Shuffle4x128(x, y, 0x88);

    static Vector512<uint> Odd(Vector512<uint> x, Vector512<uint> y) => Avx512F.Shuffle4x128(x, y, 0xdd);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransposeF16(byte* from, nint fromBytes, float* to, nint toStride)
    {
        var pairs = stackalloc uint[256];
        Transpose(from, fromBytes, pairs, 16);
        for (var i = 0; i < 16; i++, to += 2 * toStride)
        {
            var pair = Vector512.Load(pairs + 16 * i);
            Widen((pair & Vector512.Create(0x7fffu)) << 13, pair << 16).Store(to);
            Widen((pair >> 3) & Vector512.Create(0x0fffe000u), pair).Store(to + toStride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransposeBF16(byte* from, nint fromBytes, float* to, nint toStride)
    {
        var pairs = stackalloc uint[256];
        Transpose(from, fromBytes, pairs, 16);
        for (var i = 0; i < 16; i++, to += 2 * toStride)
        {
            var pair = Vector512.Load(pairs + 16 * i);
            (pair << 16).AsSingle().Store(to);
            (pair & Vector512.Create(0xffff0000u)).AsSingle().Store(to + toStride);
        }
    }

    // The half's exponent and fraction, in a single's place, are the value over 2¹¹², subnormals too; infinities and NaN need the exponent full.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> Widen(Vector512<uint> magnitude, Vector512<uint> sign)
    {
        var value = (magnitude.AsSingle() * Vector512.Create(5.192296858534828e33f)).AsUInt32();
        var special = Vector512.GreaterThanOrEqual(magnitude.AsInt32(), Vector512.Create(0x0f800000)).AsUInt32() & Vector512.Create(0x7f800000u);
        return (value | special | (sign & Vector512.Create(0x80000000u))).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(float* c, Vector512<float> x, Vector512<float> y, bool add)
    {
        if (add)
        {
            x += Vector512.Load(c);
            y += Vector512.Load(c + 16);
        }
        x.Store(c);
        y.Store(c + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Tile4(float* a, nint aStride, float* b, int depth, float* c, nint cStride, bool add, float* next)
    {
        var a3 = a + 3 * aStride;
        var twice = 2 * aStride;
        Vector512<float> c0x = Vector512<float>.Zero, c0y = Vector512<float>.Zero;
        Vector512<float> c1x = Vector512<float>.Zero, c1y = Vector512<float>.Zero;
        Vector512<float> c2x = Vector512<float>.Zero, c2y = Vector512<float>.Zero;
        Vector512<float> c3x = Vector512<float>.Zero, c3y = Vector512<float>.Zero;
        do
        {
            var b0 = Vector512.LoadAligned(b); var b1 = Vector512.LoadAligned(b + 16);
            var s = Vector512.Create(a[0]);
            c0x = Avx512F.FusedMultiplyAdd(s, b0, c0x);
            c0y = Avx512F.FusedMultiplyAdd(s, b1, c0y);
            s = Vector512.Create(a[aStride]);
            c1x = Avx512F.FusedMultiplyAdd(s, b0, c1x);
            c1y = Avx512F.FusedMultiplyAdd(s, b1, c1y);
            s = Vector512.Create(a[twice]);
            c2x = Avx512F.FusedMultiplyAdd(s, b0, c2x);
            c2y = Avx512F.FusedMultiplyAdd(s, b1, c2y);
            s = Vector512.Create(a3[0]);
            c3x = Avx512F.FusedMultiplyAdd(s, b0, c3x);
            c3y = Avx512F.FusedMultiplyAdd(s, b1, c3y);
            Prefetch.Fetch(next);
            next += Prefetch.Line;
            b += 32;
            a++;
            a3++;
        }
        while (--depth != 0);
        Store(c, c0x, c0y, add); c += cStride;
        Store(c, c1x, c1y, add); c += cStride;
        Store(c, c2x, c2y, add); c += cStride;
        Store(c, c3x, c3y, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Tile8(float* a, nint aStride, float* b, int depth, float* c, nint cStride, bool add, float* next)
    {
        var a3 = a + 3 * aStride;
        var a6 = a + 6 * aStride;
        var twice = 2 * aStride;
        Vector512<float> c0x = Vector512<float>.Zero, c0y = Vector512<float>.Zero;
        Vector512<float> c1x = Vector512<float>.Zero, c1y = Vector512<float>.Zero;
        Vector512<float> c2x = Vector512<float>.Zero, c2y = Vector512<float>.Zero;
        Vector512<float> c3x = Vector512<float>.Zero, c3y = Vector512<float>.Zero;
        Vector512<float> c4x = Vector512<float>.Zero, c4y = Vector512<float>.Zero;
        Vector512<float> c5x = Vector512<float>.Zero, c5y = Vector512<float>.Zero;
        Vector512<float> c6x = Vector512<float>.Zero, c6y = Vector512<float>.Zero;
        Vector512<float> c7x = Vector512<float>.Zero, c7y = Vector512<float>.Zero;
        do
        {
            var b0 = Vector512.LoadAligned(b); var b1 = Vector512.LoadAligned(b + 16);
            var s = Vector512.Create(a[0]);
            c0x = Avx512F.FusedMultiplyAdd(s, b0, c0x);
            c0y = Avx512F.FusedMultiplyAdd(s, b1, c0y);
            s = Vector512.Create(a[aStride]);
            c1x = Avx512F.FusedMultiplyAdd(s, b0, c1x);
            c1y = Avx512F.FusedMultiplyAdd(s, b1, c1y);
            s = Vector512.Create(a[twice]);
            c2x = Avx512F.FusedMultiplyAdd(s, b0, c2x);
            c2y = Avx512F.FusedMultiplyAdd(s, b1, c2y);
            s = Vector512.Create(a3[0]);
            c3x = Avx512F.FusedMultiplyAdd(s, b0, c3x);
            c3y = Avx512F.FusedMultiplyAdd(s, b1, c3y);
            s = Vector512.Create(a3[aStride]);
            c4x = Avx512F.FusedMultiplyAdd(s, b0, c4x);
            c4y = Avx512F.FusedMultiplyAdd(s, b1, c4y);
            s = Vector512.Create(a3[twice]);
            c5x = Avx512F.FusedMultiplyAdd(s, b0, c5x);
            c5y = Avx512F.FusedMultiplyAdd(s, b1, c5y);
            s = Vector512.Create(a6[0]);
            c6x = Avx512F.FusedMultiplyAdd(s, b0, c6x);
            c6y = Avx512F.FusedMultiplyAdd(s, b1, c6y);
            s = Vector512.Create(a6[aStride]);
            c7x = Avx512F.FusedMultiplyAdd(s, b0, c7x);
            c7y = Avx512F.FusedMultiplyAdd(s, b1, c7y);
            Prefetch.Fetch(next);
            next += Prefetch.Line;
            b += 32;
            a++;
            a3++;
            a6++;
        }
        while (--depth != 0);
        Store(c, c0x, c0y, add); c += cStride;
        Store(c, c1x, c1y, add); c += cStride;
        Store(c, c2x, c2y, add); c += cStride;
        Store(c, c3x, c3y, add); c += cStride;
        Store(c, c4x, c4y, add); c += cStride;
        Store(c, c5x, c5y, add); c += cStride;
        Store(c, c6x, c6y, add); c += cStride;
        Store(c, c7x, c7y, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Tile12(float* a, nint aStride, float* b, int depth, float* c, nint cStride, bool add, float* next)
    {
        var a3 = a + 3 * aStride;
        var a6 = a + 6 * aStride;
        var a9 = a + 9 * aStride;
        var twice = 2 * aStride;
        Vector512<float> c0x = Vector512<float>.Zero, c0y = Vector512<float>.Zero;
        Vector512<float> c1x = Vector512<float>.Zero, c1y = Vector512<float>.Zero;
        Vector512<float> c2x = Vector512<float>.Zero, c2y = Vector512<float>.Zero;
        Vector512<float> c3x = Vector512<float>.Zero, c3y = Vector512<float>.Zero;
        Vector512<float> c4x = Vector512<float>.Zero, c4y = Vector512<float>.Zero;
        Vector512<float> c5x = Vector512<float>.Zero, c5y = Vector512<float>.Zero;
        Vector512<float> c6x = Vector512<float>.Zero, c6y = Vector512<float>.Zero;
        Vector512<float> c7x = Vector512<float>.Zero, c7y = Vector512<float>.Zero;
        Vector512<float> c8x = Vector512<float>.Zero, c8y = Vector512<float>.Zero;
        Vector512<float> c9x = Vector512<float>.Zero, c9y = Vector512<float>.Zero;
        Vector512<float> c10x = Vector512<float>.Zero, c10y = Vector512<float>.Zero;
        Vector512<float> c11x = Vector512<float>.Zero, c11y = Vector512<float>.Zero;
        do
        {
            var b0 = Vector512.LoadAligned(b); var b1 = Vector512.LoadAligned(b + 16);
            var s = Vector512.Create(a[0]);
            c0x = Avx512F.FusedMultiplyAdd(s, b0, c0x);
            c0y = Avx512F.FusedMultiplyAdd(s, b1, c0y);
            s = Vector512.Create(a[aStride]);
            c1x = Avx512F.FusedMultiplyAdd(s, b0, c1x);
            c1y = Avx512F.FusedMultiplyAdd(s, b1, c1y);
            s = Vector512.Create(a[twice]);
            c2x = Avx512F.FusedMultiplyAdd(s, b0, c2x);
            c2y = Avx512F.FusedMultiplyAdd(s, b1, c2y);
            s = Vector512.Create(a3[0]);
            c3x = Avx512F.FusedMultiplyAdd(s, b0, c3x);
            c3y = Avx512F.FusedMultiplyAdd(s, b1, c3y);
            s = Vector512.Create(a3[aStride]);
            c4x = Avx512F.FusedMultiplyAdd(s, b0, c4x);
            c4y = Avx512F.FusedMultiplyAdd(s, b1, c4y);
            s = Vector512.Create(a3[twice]);
            c5x = Avx512F.FusedMultiplyAdd(s, b0, c5x);
            c5y = Avx512F.FusedMultiplyAdd(s, b1, c5y);
            s = Vector512.Create(a6[0]);
            c6x = Avx512F.FusedMultiplyAdd(s, b0, c6x);
            c6y = Avx512F.FusedMultiplyAdd(s, b1, c6y);
            s = Vector512.Create(a6[aStride]);
            c7x = Avx512F.FusedMultiplyAdd(s, b0, c7x);
            c7y = Avx512F.FusedMultiplyAdd(s, b1, c7y);
            s = Vector512.Create(a6[twice]);
            c8x = Avx512F.FusedMultiplyAdd(s, b0, c8x);
            c8y = Avx512F.FusedMultiplyAdd(s, b1, c8y);
            s = Vector512.Create(a9[0]);
            c9x = Avx512F.FusedMultiplyAdd(s, b0, c9x);
            c9y = Avx512F.FusedMultiplyAdd(s, b1, c9y);
            s = Vector512.Create(a9[aStride]);
            c10x = Avx512F.FusedMultiplyAdd(s, b0, c10x);
            c10y = Avx512F.FusedMultiplyAdd(s, b1, c10y);
            s = Vector512.Create(a9[twice]);
            c11x = Avx512F.FusedMultiplyAdd(s, b0, c11x);
            c11y = Avx512F.FusedMultiplyAdd(s, b1, c11y);
            Prefetch.Fetch(next);
            next += Prefetch.Line;
            b += 32;
            a++;
            a3++;
            a6++;
            a9++;
        }
        while (--depth != 0);
        Store(c, c0x, c0y, add); c += cStride;
        Store(c, c1x, c1y, add); c += cStride;
        Store(c, c2x, c2y, add); c += cStride;
        Store(c, c3x, c3y, add); c += cStride;
        Store(c, c4x, c4y, add); c += cStride;
        Store(c, c5x, c5y, add); c += cStride;
        Store(c, c6x, c6y, add); c += cStride;
        Store(c, c7x, c7y, add); c += cStride;
        Store(c, c8x, c8y, add); c += cStride;
        Store(c, c9x, c9y, add); c += cStride;
        Store(c, c10x, c10y, add); c += cStride;
        Store(c, c11x, c11y, add);
    }
}
