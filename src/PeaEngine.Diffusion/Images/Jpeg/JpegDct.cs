using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace PeaEngine.Diffusion.Images;

/// <summary>
/// libjpeg's accurate integer transforms (<c>jidctint.c</c>, <c>jfdctint.c</c>), to the bit: the algorithm of Loeffler, Ligtenberg and Moschytz (1989)
/// with constants of 13 bits. Two more bits are kept between the passes; eight columns or eight rows are the lanes of a vector.
/// </summary>
static class JpegDct
{
    const int ConstBits = 13, Pass1Bits = 2;

    /// <summary>Dequantizes a block of natural order and writes its 8x8 samples: first the columns, then the rows.</summary>
    /// <param name="block">Coefficients.</param>
    /// <param name="last">The highest index, in zigzag order, that may not be zero.</param>
    /// <param name="quantization">The table, natural order.</param>
    /// <param name="samples">The first sample and what follows.</param>
    /// <param name="stride">From a row of samples to the next.</param>
    public static void Inverse(ReadOnlySpan<short> block, int last, ReadOnlySpan<ushort> quantization, Span<byte> samples, int stride)
    {
        if (last == 0)
        {
            var sample = Clamp(((block[0] * quantization[0] << Pass1Bits) + (1 << (Pass1Bits + 2))) >> (Pass1Bits + 3));
            for (var y = 0; y < 8; y++) samples.Slice(y * stride, 8).Fill(sample);
            return;
        }
        Span<Vector256<int>> v = stackalloc Vector256<int>[8];
        for (var y = 0; y < 8; y++)
        {
            var coefficients = Vector256.WidenLower(Vector128.Create(block[(8 * y)..]).ToVector256());
            var factors = Vector256.WidenLower(Vector128.Create(quantization[(8 * y)..]).ToVector256());
            v[y] = coefficients * factors.AsInt32();
        }
        InversePass(v, ConstBits - Pass1Bits);
        Transpose(v);
        InversePass(v, ConstBits + Pass1Bits + 3);
        Transpose(v);
        for (var y = 0; y < 8; y++)
        {
            var row = Vector256.Clamp(v[y] + Vector256.Create(128), Vector256<int>.Zero, Vector256.Create(255));
            var words = Vector128.Narrow(row.GetLower(), row.GetUpper());
            BinaryPrimitives.WriteUInt64LittleEndian(samples[(y * stride)..], Vector128.Narrow(words, words).AsUInt64()[0]);
        }
    }

    /// <summary>Transforms and quantizes 8x8 samples into a block of natural order: first the rows, then the columns.</summary>
    /// <param name="samples">The first sample and what follows.</param>
    /// <param name="stride">From a row of samples to the next.</param>
    /// <param name="quantization">The table, natural order.</param>
    /// <param name="block">Coefficients.</param>
    public static void Forward(ReadOnlySpan<byte> samples, int stride, ReadOnlySpan<ushort> quantization, Span<short> block)
    {
        Span<Vector256<int>> v = stackalloc Vector256<int>[8];
        for (var y = 0; y < 8; y++)
        {
            var bytes = Vector128.CreateScalar(BinaryPrimitives.ReadUInt64LittleEndian(samples[(y * stride)..])).AsByte();
            v[y] = Vector256.WidenLower(Vector128.WidenLower(bytes).ToVector256()).AsInt32() - Vector256.Create(128);
        }
        Transpose(v);
        ForwardPass(v, ConstBits - Pass1Bits);
        Transpose(v);
        ForwardPass(v, ConstBits + Pass1Bits);
        for (var y = 0; y < 8; y++)
        {
            // The transform is 8 times too large. A quotient of such small whole numbers is never rounded up to a whole one, so that a float is exact.
            var divisors = Vector256.WidenLower(Vector128.Create(quantization[(8 * y)..]).ToVector256()).AsInt32() << 3;
            var dividends = Vector256.Abs(v[y]) + (divisors >> 1);
            var quotients = Vector256.ConvertToInt32(Vector256.ConvertToSingle(dividends) / Vector256.ConvertToSingle(divisors));
            var signed = Vector256.ConditionalSelect(Vector256.LessThan(v[y], Vector256<int>.Zero), -quotients, quotients);
            Vector128.Narrow(signed.GetLower(), signed.GetUpper()).CopyTo(block[(8 * y)..]);
        }
    }

    static byte Clamp(int value) => (byte)Math.Clamp(value + 128, 0, 255);

    /// <summary>Makes columns of the rows of 8x8 values.</summary>
    static void Transpose(Span<Vector256<int>> v)
    {
        if (!Avx2.IsSupported)
        {
            var values = MemoryMarshal.Cast<Vector256<int>, int>(v);
            for (var y = 0; y < 8; y++)
                for (var x = 0; x < y; x++) (values[8 * y + x], values[8 * x + y]) = (values[8 * x + y], values[8 * y + x]);
            return;
        }
        // Pairs of rows, then pairs of pairs, then the two halves.
        for (var y = 0; y < 8; y += 2) (v[y], v[y + 1]) = (Avx2.UnpackLow(v[y], v[y + 1]), Avx2.UnpackHigh(v[y], v[y + 1]));
        for (var y = 0; y < 8; y += 4)
        {
            var (a, b, c, d) = (v[y].AsInt64(), v[y + 1].AsInt64(), v[y + 2].AsInt64(), v[y + 3].AsInt64());
            (v[y], v[y + 1]) = (Avx2.UnpackLow(a, c).AsInt32(), Avx2.UnpackHigh(a, c).AsInt32());
            (v[y + 2], v[y + 3]) = (Avx2.UnpackLow(b, d).AsInt32(), Avx2.UnpackHigh(b, d).AsInt32());
        }
        for (var y = 0; y < 4; y++) (v[y], v[y + 4]) = (Avx2.Permute2x128(v[y], v[y + 4], 0x20), Avx2.Permute2x128(v[y], v[y + 4], 0x31));
    }

    /// <summary>Eight inverse transforms of eight values at once, in place, rounded to <paramref name="shift"/> bits less.</summary>
    static void InversePass(Span<Vector256<int>> v, int shift)
    {
        // Even part.
        var z1 = (v[2] + v[6]) * 4433;
        var (t2, t3) = (z1 - v[6] * 15137, z1 + v[2] * 6270);
        var half = Vector256.Create(1 << (shift - 1));
        var (t0, t1) = (((v[0] + v[4]) << ConstBits) + half, ((v[0] - v[4]) << ConstBits) + half);
        var (e0, e3, e1, e2) = (t0 + t3, t0 - t3, t1 + t2, t1 - t2);

        // Odd part.
        var (s7, s5, s3, s1) = (v[7], v[5], v[3], v[1]);
        var z5 = (s7 + s3 + s5 + s1) * 9633;
        var (z3, z4) = (z5 - (s7 + s3) * 16069, z5 - (s5 + s1) * 3196);
        var (y1, y2) = ((s7 + s1) * -7373, (s5 + s3) * -20995);
        var (o0, o1, o2, o3) = (s7 * 2446 + y1 + z3, s5 * 16819 + y2 + z4, s3 * 25172 + y2 + z3, s1 * 12299 + y1 + z4);

        (v[0], v[7]) = ((e0 + o3) >> shift, (e0 - o3) >> shift);
        (v[1], v[6]) = ((e1 + o2) >> shift, (e1 - o2) >> shift);
        (v[2], v[5]) = ((e2 + o1) >> shift, (e2 - o1) >> shift);
        (v[3], v[4]) = ((e3 + o0) >> shift, (e3 - o0) >> shift);
    }

    /// <summary>Eight forward transforms of eight values at once, in place, rounded to <paramref name="shift"/> bits less than 13 more.</summary>
    static void ForwardPass(Span<Vector256<int>> v, int shift)
    {
        var half = Vector256.Create(1 << (shift - 1));
        var (s0, s1, s2, s3) = (v[0] + v[7], v[1] + v[6], v[2] + v[5], v[3] + v[4]);
        var (d0, d1, d2, d3) = (v[0] - v[7], v[1] - v[6], v[2] - v[5], v[3] - v[4]);

        // Even part.
        var (e0, e1, e2, e3) = (s0 + s3, s1 + s2, s1 - s2, s0 - s3);
        var z1 = (e2 + e3) * 4433 + half;
        v[0] = (((e0 + e1) << ConstBits) + half) >> shift;
        v[4] = (((e0 - e1) << ConstBits) + half) >> shift;
        v[2] = (z1 + e3 * 6270) >> shift;
        v[6] = (z1 - e2 * 15137) >> shift;

        // Odd part.
        var z5 = (d0 + d1 + d2 + d3) * 9633 + half;
        var (z3, z4) = (z5 - (d3 + d1) * 16069, z5 - (d2 + d0) * 3196);
        var (y1, y2) = ((d3 + d0) * -7373, (d2 + d1) * -20995);
        v[7] = (d3 * 2446 + y1 + z3) >> shift;
        v[5] = (d2 * 16819 + y2 + z4) >> shift;
        v[3] = (d1 * 25172 + y2 + z3) >> shift;
        v[1] = (d0 * 12299 + y1 + z4) >> shift;
    }
}
