using System.Runtime.CompilerServices;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>How a result that a type cannot hold becomes one that it can.</summary>
enum RoundingMode { Nearest, TowardZero, Down, Up }

/// <summary>
/// Rounds once. A sum or product of narrow numbers is computed in double precision with its error; if it is not exact, its last bit is
/// made odd (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums"), after which any rounding to at most 51 bits is right.
/// </summary>
static class Rounding
{
    /// <summary>a·b + c for numbers whose product is exact in double precision, as a double that rounds on correctly.</summary>
    public static double MulAdd(double a, double b, double c) => Add(a * b, c);

    /// <summary>a + b as a double that rounds on correctly.</summary>
    public static double Add(double a, double b)
    {
        var sum = a + b;
        if (!double.IsFinite(sum)) return sum;
        var back = sum - a;
        return Odd(sum, a - (sum - back) + (b - back));
    }

    /// <summary>a ÷ b as a double that rounds on correctly.</summary>
    public static double Divide(double a, double b)
    {
        var quotient = a / b;
        if (!double.IsFinite(quotient) || quotient == 0 || !double.IsFinite(b)) return quotient;
        var remainder = Math.FusedMultiplyAdd(-quotient, b, a);
        return Odd(quotient, b < 0 ? -remainder : remainder);
    }

    /// <summary>√a as a double that rounds on correctly.</summary>
    public static double SquareRoot(double a)
    {
        var root = Math.Sqrt(a);
        return !double.IsFinite(root) || root == 0 ? root : Odd(root, Math.FusedMultiplyAdd(-root, root, a));
    }

    /// <summary>Makes the last bit odd if something was lost, on the side where the exact value lies.</summary>
    static double Odd(double value, double error)
    {
        if (error == 0 || double.IsNaN(error)) return value;
        var bits = BitConverter.DoubleToInt64Bits(value);
        if ((bits & 1) == 0) bits += error > 0 == value >= 0 ? 1 : -1;
        return BitConverter.Int64BitsToDouble(bits);
    }

    /// <summary>A double that rounds on correctly, as a single.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ToSingle(double value, RoundingMode mode)
    {
        var nearest = (float)value;
        if (mode == RoundingMode.Nearest || nearest == value || double.IsNaN(value) || double.IsInfinity(value)) return nearest;
        return mode switch
        {
            RoundingMode.Down => nearest > value ? MathF.BitDecrement(nearest) : nearest,
            RoundingMode.Up => nearest < value ? MathF.BitIncrement(nearest) : nearest,
            _ => Math.Abs((double)nearest) > Math.Abs(value) ? MathF.CopySign(MathF.BitDecrement(MathF.Abs(nearest)), nearest) : nearest,
        };
    }

    /// <summary>A double that rounds on correctly, as the bits of a half.</summary>
    public static ushort ToHalf(double value, RoundingMode mode)
    {
        var nearest = (Half)value;
        if (mode != RoundingMode.Nearest && !double.IsNaN(value) && !double.IsInfinity(value) && (double)nearest != value)
            nearest = mode switch
            {
                RoundingMode.Down => (double)nearest > value ? Half.BitDecrement(nearest) : nearest,
                RoundingMode.Up => (double)nearest < value ? Half.BitIncrement(nearest) : nearest,
                _ => Math.Abs((double)nearest) > Math.Abs(value) ? Half.CopySign(Half.BitDecrement(Half.Abs(nearest)), nearest) : nearest,
            };
        return Half.IsNaN(nearest) ? (ushort)0x7FFF : BitConverter.HalfToUInt16Bits(nearest);
    }

    /// <summary>A double that rounds on correctly, as the bits of a bfloat16.</summary>
    public static ushort ToBFloat16(double value, RoundingMode mode)
    {
        if (double.IsNaN(value)) return 0x7FFF;
        // Toward zero, and odd if something was lost, leaves 16 bits to decide by; bfloat16 is a single's upper half.
        var toZero = ToSingle(value, RoundingMode.TowardZero);
        var bits = BitConverter.SingleToUInt32Bits(toZero);
        if (toZero != value && double.IsFinite(value)) bits |= 1;
        if (float.IsInfinity(toZero)) return (ushort)(bits >> 16);
        var negative = bits >> 31 != 0;
        var up = mode switch
        {
            RoundingMode.Nearest => 0x7FFF + (bits >> 16 & 1),
            RoundingMode.Down => negative ? 0xFFFFu : 0,
            RoundingMode.Up => negative ? 0 : 0xFFFFu,
            _ => 0u,
        };
        return (ushort)(bits + up >> 16);
    }

    /// <summary>The single that a half is.</summary>
    public static float FromHalf(uint bits) => (float)BitConverter.UInt16BitsToHalf((ushort)bits);

    /// <summary>The single that a bfloat16 is.</summary>
    public static float FromBFloat16(uint bits) => BitConverter.UInt32BitsToSingle(bits << 16);

    /// <summary>A single with zero in place of a subnormal number.</summary>
    public static float Flush(float value) => float.IsSubnormal(value) ? MathF.CopySign(0, value) : value;
}
