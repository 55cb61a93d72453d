using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

/// <summary>Transcendental functions of vectors, the same on every instruction set up to the fusing of products and sums.</summary>
static class VectorMath
{
    /// <summary>eˣ within 2 ulp; 0 from −∞, ∞ above 88.8, NaN from NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Exp<S, V>(V x) where S : struct, ISimd<V> where V : unmanaged
    {
        // Cephes expf: x = n·ln 2 + r with ln 2 in two parts of which the first times n is exact, then a polynomial in r.
        x = S.Min(S.Create(89), S.Max(S.Create(-110), x));
        var n = S.Round(S.Mul(x, S.Create(1.44269504f)));
        var r = S.FusedNegate(n, S.Create(0.693359375f), x);
        r = S.FusedNegate(n, S.Create(-2.12194440e-4f), r);
        var p = S.Fma(S.Create(1.9875691500e-4f), r, S.Create(1.3981999507e-3f));
        p = S.Fma(p, r, S.Create(8.3334519073e-3f));
        p = S.Fma(p, r, S.Create(4.1665795894e-2f));
        p = S.Fma(p, r, S.Create(1.6666665459e-1f));
        p = S.Fma(p, r, S.Create(5.0000001201e-1f));
        return S.Scale(S.Add(S.Fma(p, S.Mul(r, r), r), S.Create(1)), n);
    }

    /// <summary>2ˣ within 2 ulp for x of at most 127; 0 from −∞. The softmax's exponential: its scores are scaled by log₂ e.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Exp2<S, V>(V x) where S : struct, ISimd<V> where V : unmanaged
    {
        // Minimax polynomial of 2ʳ over −½..½, relative error 2e-9.
        x = S.Max(S.Create(-160), x);
        var n = S.Round(x);
        var r = S.Sub(x, n);
        var p = S.Fma(S.Create(1.5353362e-4f), r, S.Create(1.3398875e-3f));
        p = S.Fma(p, r, S.Create(9.618437e-3f));
        p = S.Fma(p, r, S.Create(5.5503324e-2f));
        p = S.Fma(p, r, S.Create(0.24022648f));
        p = S.Fma(p, r, S.Create(0.6931472f));
        return S.Scale(S.Fma(p, r, S.Create(1)), n);
    }

    /// <summary>1 / (1 + e⁻ˣ)·x</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Silu<S, V>(V x) where S : struct, ISimd<V> where V : unmanaged => Swish<S, V>(x, x);

    /// <summary>x·Φ(x): exact GELU, also far out on the negative side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Gelu<S, V>(V x) where S : struct, ISimd<V> where V : unmanaged
    {
        // x·Φ(x) = max(x, 0) − |x|·Φ(−|x|): nothing cancels.
        var a = S.Abs(x);
        return S.FusedNegate(a, S.Mul(TailRatio<S, V>(a), Bell<S, V>(a)), S.Max(S.Create(0), x));
    }

    /// <summary>GELU's tanh approximation.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V GeluTanh<S, V>(V x) where S : struct, ISimd<V> where V : unmanaged
    {
        // ½(1 + tanh u) = sigmoid(2u), u = √(2/π) (x + 0.044715 x³)
        var u = S.Mul(x, S.Fma(S.Mul(x, x), S.Create(2 * 0.7978845608f * 0.044715f), S.Create(2 * 0.7978845608f)));
        return Swish<S, V>(x, u);
    }

    /// <summary>x · sigmoid(1.702 x)</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V QuickGelu<S, V>(V x) where S : struct, ISimd<V> where V : unmanaged => Swish<S, V>(x, S.Mul(x, S.Create(1.702f)));

    /// <summary>The activation of that name. The branch is the same for a whole op and costs next to nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Activate<S, V>(V x, Activation activation) where S : struct, ISimd<V> where V : unmanaged => activation switch
    {
        Activation.Silu => Silu<S, V>(x),
        Activation.Gelu => Gelu<S, V>(x),
        Activation.GeluTanh => GeluTanh<S, V>(x),
        Activation.QuickGelu => QuickGelu<S, V>(x),
        _ => x,
    };

    /// <summary>The activation's derivative at x, and the activation itself, which takes the same exponential.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<S, V>(V x, Activation activation, out V y) where S : struct, ISimd<V> where V : unmanaged
    {
        switch (activation)
        {
            case Activation.Silu:
                {
                    var u = Clamp<S, V>(x, 87);
                    return SwishDerivative<S, V>(x, u, u, out y);
                }
            case Activation.Gelu: return GeluDerivative<S, V>(x, out y);
            case Activation.GeluTanh:
                {
                    // u = ±87 at the ends.
                    const float A = 2 * 0.7978845608f;
                    V z = Clamp<S, V>(x, 10), square = S.Mul(z, z);
                    var u = S.Mul(z, S.Fma(square, S.Create(A * 0.044715f), S.Create(A)));
                    return SwishDerivative<S, V>(x, u, S.Mul(z, S.Fma(square, S.Create(3 * A * 0.044715f), S.Create(A))), out y);
                }
            case Activation.QuickGelu:
                {
                    var u = Clamp<S, V>(S.Mul(x, S.Create(1.702f)), 87);
                    return SwishDerivative<S, V>(x, u, u, out y);
                }
            default:
                y = x;
                return S.Create(1);
        }
    }

    // Φ(x) + x·φ(x) = d for x below zero and 1 − d above, with d = Φ(−|x|) − |x|·φ(x).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V GeluDerivative<S, V>(V x, out V y) where S : struct, ISimd<V> where V : unmanaged
    {
        V a = S.Abs(x), ratio = TailRatio<S, V>(a), bell = Bell<S, V>(a);
        y = S.FusedNegate(a, S.Mul(ratio, bell), S.Max(S.Create(0), x));
        var d = S.Mul(S.FusedNegate(a, S.Create(0.3989422804f), ratio), bell);
        // 1 above zero, else 0; what is between, next to zero, does no harm: there d = ½.
        var above = S.Min(S.Create(1), S.Max(S.Create(0), S.Mul(x, S.Create(1e38f))));
        return S.Fma(S.FusedNegate(S.Create(2), above, S.Create(1)), d, above);
    }

    // Φ(−a) / e^(−a²/2) = t·P(t) with t = 1 / (1 + 0.35 a): a minimax fit, relative error 3e-8 for a up to 14.5, where Φ has left single precision.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V TailRatio<S, V>(V a) where S : struct, ISimd<V> where V : unmanaged
    {
        var t = S.Div(S.Create(1), S.Fma(S.Create(0.35f), a, S.Create(1)));
        var p = S.Fma(S.Create(-0.029157868f), t, S.Create(0.14403088f));
        p = S.Fma(p, t, S.Create(-0.25583893f));
        p = S.Fma(p, t, S.Create(0.15931961f));
        p = S.Fma(p, t, S.Create(-0.023212295f));
        p = S.Fma(p, t, S.Create(0.10555248f));
        p = S.Fma(p, t, S.Create(0.119821295f));
        p = S.Fma(p, t, S.Create(0.13986352f));
        p = S.Fma(p, t, S.Create(0.1396213f));
        return S.Mul(p, t);
    }

    // e^(−a²/2)
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Bell<S, V>(V a) where S : struct, ISimd<V> where V : unmanaged => Exp<S, V>(S.Mul(S.Mul(a, S.Create(-0.5f)), a));

    // x · sigmoid(u)
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Swish<S, V>(V x, V u) where S : struct, ISimd<V> where V : unmanaged =>
        S.Div(x, S.Add(S.Create(1), Exp<S, V>(S.Sub(S.Create(0), u))));

    // σ(u) · (1 + x·u′ · (1 − σ(u))) with y = x · σ(u); |u| at most 88, so that 1 − σ is e⁻ᵘ·σ without an infinity.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V SwishDerivative<S, V>(V x, V u, V xTimesSlope, out V y) where S : struct, ISimd<V> where V : unmanaged
    {
        var e = Exp<S, V>(S.Sub(S.Create(0), u));
        var sigmoid = S.Div(S.Create(1), S.Add(S.Create(1), e));
        y = S.Mul(x, sigmoid);
        return S.Mul(sigmoid, S.Fma(xTimesSlope, S.Mul(e, sigmoid), S.Create(1)));
    }

    // NaN stays NaN.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Clamp<S, V>(V x, float bound) where S : struct, ISimd<V> where V : unmanaged =>
        S.Min(S.Create(bound), S.Max(S.Create(-bound), x));
}
