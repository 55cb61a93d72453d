using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

/// <summary>
/// Winograd's F(4×4, 3×3) (Lavin and Gray, arXiv 1509.09308): a 4×4 tile of outputs is Aᵀ[(G g Gᵀ) ∘ (Bᵀ d B)]A for a 3×3 kernel g and
/// the 6×6 inputs d under it: 36 multiplications where the sums have 144. The polynomials are taken at 0, ±¾, ±1½ and ∞: with the
/// usual ±1, ±2 the error is four times as large (largest error over largest output 1.4e-5 against 3.5e-6 for 320 channels in
/// single precision), since the powers of these points stay nearer to one.
/// </summary>
static unsafe class WinogradTransform
{
    /// <summary>Outputs of a tile, each way.</summary>
    public const int Tile = 4;

    /// <summary>Inputs of a tile, each way.</summary>
    public const int Window = 6;

    /// <summary>Products of a tile.</summary>
    public const int Positions = Window * Window;

    const float P = 0.75f, Q = 1.5f, PP = P * P, QQ = Q * Q;

    /// <summary>Bᵀ d B of a vector of channels.</summary>
    /// <param name="pixels">Where the 36 pixels lie.</param>
    /// <param name="channel">The first channel.</param>
    /// <param name="count">Channels that there are; the others become zeros.</param>
    /// <param name="to">36 vectors at <paramref name="stride"/> floats.</param>
    /// <param name="stride">Floats from position to position.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Input<S, V>(float** pixels, int channel, int count, float* to, nint stride) where S : struct, ISimd<V> where V : unmanaged
    {
        var half = stackalloc V[Positions];
        for (var x = 0; x < Window; x++)
        {
            V d0, d1, d2, d3, d4, d5;
            if (count == S.Width)
            {
                (d0, d1, d2) = (S.Load(pixels[x] + channel), S.Load(pixels[x + 6] + channel), S.Load(pixels[x + 12] + channel));
                (d3, d4, d5) = (S.Load(pixels[x + 18] + channel), S.Load(pixels[x + 24] + channel), S.Load(pixels[x + 30] + channel));
            }
            else
            {
                (d0, d1, d2) = (S.Load(pixels[x] + channel, count), S.Load(pixels[x + 6] + channel, count), S.Load(pixels[x + 12] + channel, count));
                (d3, d4, d5) = (S.Load(pixels[x + 18] + channel, count), S.Load(pixels[x + 24] + channel, count), S.Load(pixels[x + 30] + channel, count));
            }
            Input<S, V>(ref d0, ref d1, ref d2, ref d3, ref d4, ref d5);
            (half[x], half[x + 6], half[x + 12], half[x + 18], half[x + 24], half[x + 30]) = (d0, d1, d2, d3, d4, d5);
        }
        for (var y = 0; y < Positions; y += Window, to += Window * stride)
        {
            var (d0, d1, d2, d3, d4, d5) = (half[y], half[y + 1], half[y + 2], half[y + 3], half[y + 4], half[y + 5]);
            Input<S, V>(ref d0, ref d1, ref d2, ref d3, ref d4, ref d5);
            S.Store(to, d0);
            S.Store(to + stride, d1);
            S.Store(to + 2 * stride, d2);
            S.Store(to + 3 * stride, d3);
            S.Store(to + 4 * stride, d4);
            S.Store(to + 5 * stride, d5);
        }
    }

    /// <summary>G g Gᵀ of a vector of output channels.</summary>
    /// <param name="taps">9 vectors at <paramref name="tapStride"/> floats.</param>
    /// <param name="tapStride">Floats from tap to tap.</param>
    /// <param name="to">36 vectors at <paramref name="stride"/> floats.</param>
    /// <param name="stride">Floats from position to position.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Weights<S, V>(float* taps, nint tapStride, float* to, nint stride) where S : struct, ISimd<V> where V : unmanaged
    {
        Weights<S, V>(S.Load(taps), S.Load(taps + 3 * tapStride), S.Load(taps + 6 * tapStride), out var a0, out var a1, out var a2, out var a3, out var a4, out var a5);
        taps += tapStride;
        Weights<S, V>(S.Load(taps), S.Load(taps + 3 * tapStride), S.Load(taps + 6 * tapStride), out var b0, out var b1, out var b2, out var b3, out var b4, out var b5);
        taps += tapStride;
        Weights<S, V>(S.Load(taps), S.Load(taps + 3 * tapStride), S.Load(taps + 6 * tapStride), out var c0, out var c1, out var c2, out var c3, out var c4, out var c5);
        Row<S, V>(a0, b0, c0, to, stride);
        Row<S, V>(a1, b1, c1, to + 6 * stride, stride);
        Row<S, V>(a2, b2, c2, to + 12 * stride, stride);
        Row<S, V>(a3, b3, c3, to + 18 * stride, stride);
        Row<S, V>(a4, b4, c4, to + 24 * stride, stride);
        Row<S, V>(a5, b5, c5, to + 30 * stride, stride);
    }

    /// <summary>Aᵀ m A of a vector of output channels.</summary>
    /// <param name="products">36 vectors at <paramref name="stride"/> floats.</param>
    /// <param name="stride">Floats from position to position.</param>
    /// <param name="to">The 4×4 outputs.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Output<S, V>(float* products, nint stride, V* to) where S : struct, ISimd<V> where V : unmanaged
    {
        var half = stackalloc V[Tile * Window];
        for (var x = 0; x < Window; x++, products += stride)
            Output<S, V>(S.Load(products), S.Load(products + 6 * stride), S.Load(products + 12 * stride), S.Load(products + 18 * stride),
                S.Load(products + 24 * stride), S.Load(products + 30 * stride), out half[x], out half[x + 6], out half[x + 12], out half[x + 18]);
        for (var y = 0; y < Tile; y++, half += Window, to += Tile)
            Output<S, V>(half[0], half[1], half[2], half[3], half[4], half[5], out to[0], out to[1], out to[2], out to[3]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Input<S, V>(ref V d0, ref V d1, ref V d2, ref V d3, ref V d4, ref V d5) where S : struct, ISimd<V> where V : unmanaged
    {
        V pp = S.Create(PP), qq = S.Create(QQ), sum = S.Create(PP + QQ), product = S.Create(PP * QQ), p = S.Create(P), q = S.Create(Q);
        var even = S.FusedNegate(qq, d2, d4);
        var odd = S.Mul(p, S.FusedNegate(qq, d1, d3));
        var evenToo = S.FusedNegate(pp, d2, d4);
        var oddToo = S.Mul(q, S.FusedNegate(pp, d1, d3));
        d0 = S.Fma(product, d0, S.FusedNegate(sum, d2, d4));
        d5 = S.Fma(product, d1, S.FusedNegate(sum, d3, d5));
        d1 = S.Add(even, odd);
        d2 = S.Sub(even, odd);
        d3 = S.Add(evenToo, oddToo);
        d4 = S.Sub(evenToo, oddToo);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Weights<S, V>(V g0, V g1, V g2, out V u0, out V u1, out V u2, out V u3, out V u4, out V u5) where S : struct, ISimd<V> where V : unmanaged
    {
        const float ByP = 1 / (2 * PP * (PP - QQ)), ByQ = 1 / (2 * QQ * (QQ - PP));
        u0 = S.Mul(S.Create(1 / (PP * QQ)), g0);
        var even = S.Fma(S.Create(PP * ByP), g2, S.Mul(S.Create(ByP), g0));
        var odd = S.Mul(S.Create(P * ByP), g1);
        u1 = S.Add(even, odd);
        u2 = S.Sub(even, odd);
        even = S.Fma(S.Create(QQ * ByQ), g2, S.Mul(S.Create(ByQ), g0));
        odd = S.Mul(S.Create(Q * ByQ), g1);
        u3 = S.Add(even, odd);
        u4 = S.Sub(even, odd);
        u5 = g2;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Row<S, V>(V g0, V g1, V g2, float* to, nint stride) where S : struct, ISimd<V> where V : unmanaged
    {
        Weights<S, V>(g0, g1, g2, out var u0, out var u1, out var u2, out var u3, out var u4, out var u5);
        S.Store(to, u0);
        S.Store(to + stride, u1);
        S.Store(to + 2 * stride, u2);
        S.Store(to + 3 * stride, u3);
        S.Store(to + 4 * stride, u4);
        S.Store(to + 5 * stride, u5);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Output<S, V>(V m0, V m1, V m2, V m3, V m4, V m5, out V y0, out V y1, out V y2, out V y3) where S : struct, ISimd<V> where V : unmanaged
    {
        V even = S.Add(m1, m2), odd = S.Sub(m1, m2), evenToo = S.Add(m3, m4), oddToo = S.Sub(m3, m4);
        y0 = S.Add(m0, S.Add(even, evenToo));
        y1 = S.Fma(S.Create(Q), oddToo, S.Mul(S.Create(P), odd));
        y2 = S.Fma(S.Create(QQ), evenToo, S.Mul(S.Create(PP), even));
        y3 = S.Add(m5, S.Fma(S.Create(QQ * Q), oddToo, S.Mul(S.Create(PP * P), odd)));
    }
}
