using System.Runtime.InteropServices;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Formats;

public class HalfConversionTests
{
    static ushort Stored(float value, DType dtype)
    {
        var bytes = new byte[2];
        HalfConversion.FromSingle([value], dtype, bytes);
        return BitConverter.ToUInt16(bytes);
    }

    static float Value(ushort bits, DType dtype)
    {
        var value = new float[1];
        HalfConversion.ToSingle(BitConverter.GetBytes(bits), dtype, value);
        return value[0];
    }

    /// <summary>Every finite number comes back, and between two neighbours the nearer is taken, the even one in the middle.</summary>
    [Theory]
    [InlineData(DType.F16, 0x7C00)]
    [InlineData(DType.BF16, 0x7F80)]
    public void RoundsToTheNearestEven(DType dtype, int infinity)
    {
        for (var bits = 0; bits < infinity; bits++)
        {
            var value = Value((ushort)bits, dtype);
            Assert.Equal(bits, Stored(value, dtype));
            Assert.Equal(bits | 0x8000, Stored(-value, dtype));
            if (bits == infinity - 1) break;
            var middle = (float)(((double)value + Value((ushort)(bits + 1), dtype)) / 2);
            Assert.Equal(bits + (bits & 1), Stored(middle, dtype));
            Assert.Equal(bits, Stored(MathF.BitDecrement(middle), dtype));
            Assert.Equal(bits + 1, Stored(MathF.BitIncrement(middle), dtype));
        }
        Assert.Equal(infinity, Stored(float.MaxValue, dtype));
        Assert.Equal(infinity, Stored(float.PositiveInfinity, dtype));
        Assert.True(float.IsNaN(Value(Stored(float.NaN, dtype), dtype)));
        Assert.True(float.IsNaN(Value(Stored(BitConverter.UInt32BitsToSingle(0xFFFFFFFF), dtype), dtype)));
    }

    [Fact]
    public void DoublesAreRoundedToSingles()
    {
        var values = new float[3];

        HalfConversion.ToSingle(MemoryMarshal.AsBytes<double>([1 + 1e-9, double.MaxValue, -0.0]), DType.F64, values);

        Assert.Equal([1, float.PositiveInfinity, -0f], values);
        Assert.Throws<PeaException>(() => HalfConversion.ToSingle(new byte[8], DType.I64, values));
        Assert.Throws<PeaException>(() => HalfConversion.FromSingle(values, DType.F64, new byte[24]));
    }
}
