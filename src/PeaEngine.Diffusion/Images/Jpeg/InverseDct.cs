using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace PeaEngine.Diffusion.Images;

/// <summary>
/// libjpeg's accurate integer transform (<c>jidctint.c</c>), to the bit: the algorithm of Loeffler, Ligtenberg and Moschytz (1989) with constants of
/// 13 bits, first over the columns, with two more bits kept, then over the rows. Eight columns, then eight rows are the lanes of a vector.
/// </summary>
static class InverseDct
{
    const int ConstBits = 13, Pass1Bits = 2;

    /// <summary>Dequantizes a block of natural order and writes its 8x8 samples.</summary>
    /// <param name="block">Coefficients.</param>
    /// <param name="last">The highest index, in zigzag order, that may not be zero.</param>
    /// <param name="quantization">The table, natural order.</param>
    /// <param name="samples">The first sample and what follows.</param>
    /// <param name="stride">From a row of samples to the next.</param>
    public static void Transform(ReadOnlySpan<short> block, int last, ReadOnlySpan<ushort> quantization, Span<byte> samples, int stride)
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
        Pass(v, ConstBits - Pass1Bits);
        Transpose(v);
        Pass(v, ConstBits + Pass1Bits + 3);
        Transpose(v);
        for (var y = 0; y < 8; y++)
        {
            var row = Vector256.Clamp(v[y] + Vector256.Create(128), Vector256<int>.Zero, Vector256.Create(255));
            var words = Vector128.Narrow(row.GetLower(), row.GetUpper());
            BinaryPrimitives.WriteUInt64LittleEndian(samples[(y * stride)..], Vector128.Narrow(words, words).AsUInt64()[0]);
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

    /// <summary>Eight transforms of eight values at once, in place, rounded to <paramref name="shift"/> bits less.</summary>
    static void Pass(Span<Vector256<int>> v, int shift)
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
}
