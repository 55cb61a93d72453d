using PeaEngine.VirtualGpu.Ptx;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>What a <c>cvt</c> asks for besides its types.</summary>
readonly record struct ConversionMode(PtxType To, PtxType From, RoundingMode Rounding, bool ToInteger, bool Saturate, bool Flush, bool Relu);

/// <summary>Conversions between numbers, one lane at a time: the ISA's <c>cvt</c>. Bits of a register go in and come out.</summary>
static class Conversion
{
    public static ulong Convert(ulong bits, in ConversionMode mode) =>
        mode.From.IsFloat() ? FromFloat(bits, mode) : mode.To.IsFloat() ? FromInteger(bits, mode) : BetweenIntegers(bits, mode);

    static ulong BetweenIntegers(ulong bits, in ConversionMode mode)
    {
        var value = Extend(bits, mode.From);
        if (mode.Saturate) value = Int128.Clamp(value, Least(mode.To), Most(mode.To));
        return Truncate(value, mode.To);
    }

    static ulong FromInteger(ulong bits, in ConversionMode mode)
    {
        var value = Extend(bits, mode.From);
        if (mode.To == PtxType.F64) return BitConverter.DoubleToUInt64Bits((double)value);
        // Both parts are exact, and their sum is rounded so that the next rounding is right.
        return Narrow(Rounding.Add((double)(value >> 32) * 4294967296.0, (double)(value & uint.MaxValue)), mode);
    }

    static ulong FromFloat(ulong bits, in ConversionMode mode)
    {
        var value = mode.From switch
        {
            PtxType.F64 => BitConverter.UInt64BitsToDouble(bits),
            PtxType.F16 => Rounding.FromHalf((uint)bits),
            PtxType.BF16 => Rounding.FromBFloat16((uint)bits),
            _ => BitConverter.UInt32BitsToSingle((uint)bits),
        };
        if (mode.Flush && mode.From == PtxType.F32) value = Rounding.Flush((float)value);
        if (mode.ToInteger || !mode.To.IsFloat())
            value = mode.Rounding switch
            {
                RoundingMode.Nearest => Math.Round(value, MidpointRounding.ToEven),
                RoundingMode.TowardZero => Math.Truncate(value),
                RoundingMode.Down => Math.Floor(value),
                _ => Math.Ceiling(value),
            };
        if (mode.To.IsFloat()) return mode.To == PtxType.F64 ? BitConverter.DoubleToUInt64Bits(Bound(value, mode)) : Narrow(value, mode);
        if (double.IsNaN(value)) return 0;
        return Truncate(value >= (double)Most(mode.To) ? Most(mode.To) : value <= (double)Least(mode.To) ? Least(mode.To) : (Int128)value, mode.To);
    }

    static ulong Narrow(double value, in ConversionMode mode)
    {
        value = Bound(value, mode);
        switch (mode.To)
        {
            case PtxType.F16: return Rounding.ToHalf(value, mode.Rounding);
            case PtxType.BF16: return Rounding.ToBFloat16(value, mode.Rounding);
            default:
                var single = Rounding.ToSingle(value, mode.Rounding);
                return BitConverter.SingleToUInt32Bits(mode.Flush ? Rounding.Flush(single) : single);
        }
    }

    static double Bound(double value, in ConversionMode mode)
    {
        if (mode.Saturate) return value > 0 ? Math.Min(value, 1) : 0;
        return mode.Relu && value < 0 ? 0 : value;
    }

    /// <summary>To 10 bits of fraction, ties away from zero: <c>cvt.rna.tf32.f32</c>.</summary>
    public static uint ToTf32(uint bits) => (bits & 0x7F800000) == 0x7F800000 ? (bits & 0x7FFFFF) != 0 ? 0x7FFFFFFF : bits : bits + 0x1000 & 0xFFFFE000;

    static Int128 Extend(ulong bits, PtxType type) => type switch
    {
        PtxType.S8 => (sbyte)bits,
        PtxType.S16 => (short)bits,
        PtxType.S32 => (int)bits,
        PtxType.S64 => (long)bits,
        _ => type.Bytes() switch { 1 => (byte)bits, 2 => (ushort)bits, 4 => (uint)bits, _ => bits },
    };

    static ulong Truncate(Int128 value, PtxType type) => (ulong)(UInt128)value & (type.Bytes() switch { 1 => byte.MaxValue, 2 => ushort.MaxValue, 4 => uint.MaxValue, _ => ulong.MaxValue });

    static Int128 Most(PtxType type) => (Int128.One << type.Bytes() * 8 - (type.IsSigned() ? 1 : 0)) - 1;

    static Int128 Least(PtxType type) => type.IsSigned() ? -(Int128.One << type.Bytes() * 8 - 1) : 0;
}
