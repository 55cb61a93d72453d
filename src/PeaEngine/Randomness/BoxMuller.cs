namespace PeaEngine.Randomness;

/// <summary>
/// The transformation of 16 uniforms into 16 normals that torch's <c>normal_fill</c> makes: <c>u[j]</c> gives the radius and
/// <c>u[j + 8]</c> the angle of the normals <c>j</c> and <c>j + 8</c>.
/// </summary>
static class BoxMuller
{
    /// <summary>Values in a block.</summary>
    public const int Block = 16;

    const int Half = Block / 2;

    /// <summary>
    /// In single precision, bit for bit as torch's AVX2 build computes it on x64: with Cephes' polynomials, and with a fused
    /// multiply-add wherever GCC contracts a product and a sum. Only IEEE operations, so every machine gives the same bits.
    /// </summary>
    public static void Transform(Span<float> values)
    {
        for (var j = 0; j < Half; j++)
        {
            var radius = MathF.Sqrt(-2f * Log(1f - values[j]));
            var (sin, cos) = SinCos((float)(2 * Math.PI) * values[j + Half]);
            values[j] = radius * cos;
            values[j + Half] = radius * sin;
        }
    }

    /// <summary>In double precision, with the C library's functions as torch does.</summary>
    public static void Transform(Span<double> values)
    {
        for (var j = 0; j < Half; j++)
        {
            var radius = Math.Sqrt(-2 * Math.Log(1 - values[j]));
            var theta = 2 * Math.PI * values[j + Half];
            values[j] = radius * Math.Cos(theta);
            values[j + Half] = radius * Math.Sin(theta);
        }
    }

    /// <summary>Cephes' <c>logf</c> for x in (0, 1].</summary>
    static float Log(float x)
    {
        var bits = BitConverter.SingleToInt32Bits(x);
        float exponent = (bits >> 23) - 126;
        var mantissa = BitConverter.Int32BitsToSingle((bits & 0x007fffff) | 0x3f000000);
        var small = mantissa < 0.70710678f;
        var t = mantissa - 1f;
        if (small)
        {
            exponent -= 1f;
            t += mantissa;
        }
        var y = Fma(7.0376836292e-2f, t, -1.1514610310e-1f);
        y = Fma(y, t, 1.1676998740e-1f);
        y = Fma(y, t, -1.2420140846e-1f);
        y = Fma(y, t, 1.4249322787e-1f);
        y = Fma(y, t, -1.6668057665e-1f);
        y = Fma(y, t, 2.0000714765e-1f);
        y = Fma(y, t, -2.4999993993e-1f);
        y = Fma(y, t, 3.3333331174e-1f);
        var square = t * t;
        y = Fma(y * t, square, exponent * -2.12194440e-4f);
        y = Fma(-square, 0.5f, y);
        return Fma(exponent, 0.693359375f, t + y);
    }

    /// <summary>Cephes' <c>sinf</c> and <c>cosf</c> for x in [0, 2π].</summary>
    static (float Sin, float Cos) SinCos(float x)
    {
        var octant = ((int)(x * 1.27323954473516f) + 1) & ~1;
        float j = octant;
        var t = Fma(j, -0.78515625f, x);
        t = Fma(j, -2.4187564849853515625e-4f, t);
        t = Fma(j, -3.77489497744594108e-8f, t);
        var square = t * t;

        var even = Fma(2.443315711809948e-5f, square, -1.388731625493765e-3f);
        even = Fma(even, square, 4.166664568298827e-2f);
        even = Fma(even * square, square, -(square * 0.5f)) + 1f;

        var odd = Fma(-1.9515295891e-4f, square, 8.3321608736e-3f);
        odd = Fma(odd, square, -1.6666654611e-1f);
        odd = Fma(odd * square, t, t);

        var (sin, cos) = (octant & 2) == 0 ? (odd, even) : (even, odd);
        return ((octant & 4) == 0 ? sin : -sin, ((octant - 2) & 4) != 0 ? cos : -cos);
    }

    static float Fma(float a, float b, float c) => MathF.FusedMultiplyAdd(a, b, c);
}
