using System.Runtime.InteropServices;

namespace PeaEngine.Formats;

/// <summary>Stored 16-bit values as singles.</summary>
public static class HalfConversion
{
    /// <summary>Converts little-endian F32, F16 or BF16 bytes; exact.</summary>
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
            default:
                throw new PeaException($"conversion of {dtype} to F32: expected F32, F16 or BF16");
        }
    }
}
