using System.Runtime.InteropServices;

namespace PeaEngine.Formats;

/// <summary>Stored floating numbers as singles, and singles as stored numbers.</summary>
public static class HalfConversion
{
    const ushort NotANumber = 0x7FC0;

    /// <summary>Converts little-endian F32, F16 or BF16 bytes, exactly, or F64, rounded to the nearest single.</summary>
    /// <exception cref="PeaException">Another element type.</exception>
    public static void ToSingle(ReadOnlySpan<byte> source, DType dtype, Span<float> destination)
    {
        switch (dtype)
        {
            case DType.F32:
                MemoryMarshal.Cast<byte, float>(source).CopyTo(destination);
                break;
            case DType.F16:
                var halves = MemoryMarshal.Cast<byte, Half>(source);
                for (var i = 0; i < halves.Length; i++) destination[i] = (float)halves[i];
                break;
            case DType.BF16:
                var brains = MemoryMarshal.Cast<byte, ushort>(source);
                for (var i = 0; i < brains.Length; i++) destination[i] = BitConverter.Int32BitsToSingle(brains[i] << 16);
                break;
            case DType.F64:
                var doubles = MemoryMarshal.Cast<byte, double>(source);
                for (var i = 0; i < doubles.Length; i++) destination[i] = (float)doubles[i];
                break;
            default:
                throw new PeaException($"conversion of {dtype} to F32: expected F32, F16, BF16 or F64");
        }
    }

    /// <summary>Converts to little-endian F32, F16 or BF16 bytes, rounded to the nearest, ties to even; what is too large becomes infinite.</summary>
    /// <exception cref="PeaException">Another element type.</exception>
    public static void FromSingle(ReadOnlySpan<float> source, DType dtype, Span<byte> destination)
    {
        switch (dtype)
        {
            case DType.F32:
                MemoryMarshal.AsBytes(source).CopyTo(destination);
                break;
            case DType.F16:
                var halves = MemoryMarshal.Cast<byte, Half>(destination);
                for (var i = 0; i < source.Length; i++) halves[i] = (Half)source[i];
                break;
            case DType.BF16:
                var brains = MemoryMarshal.Cast<byte, ushort>(destination);
                for (var i = 0; i < source.Length; i++) brains[i] = ToBF16(source[i]);
                break;
            default:
                throw new PeaException($"conversion of F32 to {dtype}: expected F32, F16 or BF16");
        }
    }

    static ushort ToBF16(float value)
    {
        if (float.IsNaN(value)) return NotANumber;
        var bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
