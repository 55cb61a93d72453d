using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

/// <summary>How the left matrix of a <see cref="Tile"/> lies in memory. Where they are constants, they become displacements in the code.</summary>
interface ITileLayout
{
    /// <summary>Elements from one row to the next.</summary>
    nint Row { get; }

    /// <summary>Elements from one step of the sum to the next.</summary>
    nint Step { get; }
}

/// <summary>A matrix as it is stored.</summary>
/// <param name="Row">Elements from one row to the next.</param>
readonly record struct StoredLayout(nint Row) : ITileLayout
{
    public nint Step => 1;
}

/// <summary>
/// The product that small matrices are made of: c [6, n] (+)= a [6, depth] · b [depth, n] with n one or two vectors. Six rows of
/// two vectors fill the 16 registers of AVX2, and are chains enough for processors with more.
/// </summary>
static unsafe class Tile
{
    /// <summary>Rows of a tile.</summary>
    public const int Rows = 6;

    /// <summary>
    /// c [rows, columns] += a [rows, depth] · b [depth, columns] by tiles: columns are a multiple of Width, and a and c have room for rows
    /// up to a multiple of six.
    /// </summary>
    /// <param name="layout">How a lies in memory.</param>
    /// <param name="a">The left matrix.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="b">The right matrix, rows <paramref name="stride"/> elements apart.</param>
    /// <param name="stride">Elements from one row of b to the next, and from one row of c to the next.</param>
    /// <param name="depth">Terms of the sums.</param>
    /// <param name="columns">Columns of b and c.</param>
    /// <param name="c">What is added to.</param>
    public static void Multiply<S, V, TLayout>(TLayout layout, float* a, int rows, float* b, nint stride, int depth, int columns, float* c)
        where S : struct, ISimd<V> where V : unmanaged where TLayout : struct, ITileLayout
    {
        for (var column = 0; column < columns; column += 2 * S.Width)
            for (var row = 0; row < rows; row += Rows)
                if (columns - column > S.Width) Wide<S, V, TLayout>(layout, a + row * layout.Row, b + column, stride, depth, c + row * stride + column, stride, true);
                else Narrow<S, V, TLayout>(layout, a + row * layout.Row, b + column, stride, depth, c + row * stride + column, stride, true);
    }

    /// <summary>Two vectors wide.</summary>
    /// <param name="layout">How a lies in memory.</param>
    /// <param name="a">[6, depth]</param>
    /// <param name="b">[depth, 2·Width], rows <paramref name="step"/> elements apart</param>
    /// <param name="step">Elements from one row of b to the next.</param>
    /// <param name="depth">Terms of the sum.</param>
    /// <param name="c">[6, 2·Width], rows <paramref name="stride"/> elements apart</param>
    /// <param name="stride">Elements from one row of c to the next.</param>
    /// <param name="accumulate">Whether c is added to rather than overwritten.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Wide<S, V, TLayout>(TLayout layout, float* a, float* b, nint step, int depth, float* c, nint stride, bool accumulate)
        where S : struct, ISimd<V> where V : unmanaged where TLayout : struct, ITileLayout
    {
        V c00, c01, c10, c11, c20, c21, c30, c31, c40, c41, c50, c51;
        float* r0 = c, r1 = r0 + stride, r2 = r1 + stride, r3 = r2 + stride, r4 = r3 + stride, r5 = r4 + stride;
        if (accumulate)
        {
            (c00, c01) = (S.Load(r0), S.Load(r0 + S.Width));
            (c10, c11) = (S.Load(r1), S.Load(r1 + S.Width));
            (c20, c21) = (S.Load(r2), S.Load(r2 + S.Width));
            (c30, c31) = (S.Load(r3), S.Load(r3 + S.Width));
            (c40, c41) = (S.Load(r4), S.Load(r4 + S.Width));
            (c50, c51) = (S.Load(r5), S.Load(r5 + S.Width));
        }
        else c00 = c01 = c10 = c11 = c20 = c21 = c30 = c31 = c40 = c41 = c50 = c51 = S.Create(0);
        var a3 = a + 3 * layout.Row;
        for (; depth > 0; depth--)
        {
            V b0 = S.Load(b), b1 = S.Load(b + S.Width), x = S.Create(a[0]);
            c00 = S.Fma(x, b0, c00);
            c01 = S.Fma(x, b1, c01);
            x = S.Create(a[layout.Row]);
            c10 = S.Fma(x, b0, c10);
            c11 = S.Fma(x, b1, c11);
            x = S.Create(a[2 * layout.Row]);
            c20 = S.Fma(x, b0, c20);
            c21 = S.Fma(x, b1, c21);
            x = S.Create(a3[0]);
            c30 = S.Fma(x, b0, c30);
            c31 = S.Fma(x, b1, c31);
            x = S.Create(a3[layout.Row]);
            c40 = S.Fma(x, b0, c40);
            c41 = S.Fma(x, b1, c41);
            x = S.Create(a3[2 * layout.Row]);
            c50 = S.Fma(x, b0, c50);
            c51 = S.Fma(x, b1, c51);
            a += layout.Step;
            a3 += layout.Step;
            b += step;
        }
        S.Store(r0, c00);
        S.Store(r0 + S.Width, c01);
        S.Store(r1, c10);
        S.Store(r1 + S.Width, c11);
        S.Store(r2, c20);
        S.Store(r2 + S.Width, c21);
        S.Store(r3, c30);
        S.Store(r3 + S.Width, c31);
        S.Store(r4, c40);
        S.Store(r4 + S.Width, c41);
        S.Store(r5, c50);
        S.Store(r5 + S.Width, c51);
    }

    /// <summary>One vector wide: b is [depth, Width], c [6, Width].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Narrow<S, V, TLayout>(TLayout layout, float* a, float* b, nint step, int depth, float* c, nint stride, bool accumulate)
        where S : struct, ISimd<V> where V : unmanaged where TLayout : struct, ITileLayout
    {
        V c0, c1, c2, c3, c4, c5;
        if (accumulate)
        {
            (c0, c1, c2) = (S.Load(c), S.Load(c + stride), S.Load(c + 2 * stride));
            (c3, c4, c5) = (S.Load(c + 3 * stride), S.Load(c + 4 * stride), S.Load(c + 5 * stride));
        }
        else c0 = c1 = c2 = c3 = c4 = c5 = S.Create(0);
        var a3 = a + 3 * layout.Row;
        for (; depth > 0; depth--)
        {
            var x = S.Load(b);
            c0 = S.Fma(S.Create(a[0]), x, c0);
            c1 = S.Fma(S.Create(a[layout.Row]), x, c1);
            c2 = S.Fma(S.Create(a[2 * layout.Row]), x, c2);
            c3 = S.Fma(S.Create(a3[0]), x, c3);
            c4 = S.Fma(S.Create(a3[layout.Row]), x, c4);
            c5 = S.Fma(S.Create(a3[2 * layout.Row]), x, c5);
            a += layout.Step;
            a3 += layout.Step;
            b += step;
        }
        S.Store(c, c0);
        S.Store(c + stride, c1);
        S.Store(c + 2 * stride, c2);
        S.Store(c + 3 * stride, c3);
        S.Store(c + 4 * stride, c4);
        S.Store(c + 5 * stride, c5);
    }
}
