using System.Runtime.InteropServices;

namespace PeaEngine.Tests.Cuda;

/// <summary>Elements as bytes, from one type to another.</summary>
static class Values
{
    /// <summary>Converts, to the nearest, ties to even. Other types than those of weights are copied.</summary>
    public static void Convert(ReadOnlySpan<byte> source, DType from, Span<byte> destination, DType to)
    {
        if (from == to)
        {
            source.CopyTo(destination);
            return;
        }
        var count = source.Length / from.SizeInBytes();
        Assert.Equal(count * to.SizeInBytes(), destination.Length);
        for (var i = 0; i < count; i++) Write(Read(source, i, from), destination, i, to);
    }

    /// <summary>Elements of F64, F32, F16 or BF16.</summary>
    public static double[] Doubles(ReadOnlySpan<byte> source, DType type)
    {
        if (type == DType.F64) return MemoryMarshal.Cast<byte, double>(source).ToArray();
        var values = new double[source.Length / type.SizeInBytes()];
        for (var i = 0; i < values.Length; i++) values[i] = Read(source, i, type);
        return values;
    }

    /// <summary>The value of a type that is nearest.</summary>
    public static float Round(float value, DType to)
    {
        Span<byte> bytes = stackalloc byte[4];
        Write(value, bytes, 0, to);
        return Read(bytes, 0, to);
    }

    static float Read(ReadOnlySpan<byte> x, int i, DType type) => type switch
    {
        DType.F32 => MemoryMarshal.Cast<byte, float>(x)[i],
        DType.F16 => (float)MemoryMarshal.Cast<byte, Half>(x)[i],
        _ => BitConverter.Int32BitsToSingle(MemoryMarshal.Cast<byte, ushort>(x)[i] << 16),
    };

    static void Write(float value, Span<byte> y, int i, DType type)
    {
        if (type == DType.F32) MemoryMarshal.Cast<byte, float>(y)[i] = value;
        else if (type == DType.F16) MemoryMarshal.Cast<byte, Half>(y)[i] = (Half)value;
        else MemoryMarshal.Cast<byte, ushort>(y)[i] = ToBF16(value);
    }

    static ushort ToBF16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)(float.IsNaN(value) ? bits >> 16 | 0x40 : bits + 0x7fff + (bits >> 16 & 1) >> 16);
    }
}
