using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace PeaEngine.Backends;

/// <summary>AVX-512: 12×32 tiles, 24 of the 32 registers hold sums.</summary>
readonly unsafe partial struct GemmAvx512 : IGemmKernel
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
