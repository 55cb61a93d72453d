using System.Runtime.Intrinsics;

namespace PeaEngine.Diffusion.Images;

/// <summary>How the components of a frame say colour.</summary>
enum JpegColour { Grey, Rgb, YCbCr, Cmyk, Ycck }

/// <summary>From samples to red, green and blue, to the bit as libjpeg's <c>jdcolor.c</c> and Pillow's <c>cmyk2rgb</c>.</summary>
static class JpegPixels
{
    /// <summary>Turns a frame whose samples are all there into a picture.</summary>
    public static PixelImage Convert(JpegFrame frame, JpegColour colour)
    {
        foreach (var component in frame.Components)
            if (frame.IsProgressive) component.TransformAll();
        var image = new PixelImage(frame.Width, frame.Height);
        JpegUpsampling[] planes = [.. frame.Components.Select(component => new JpegUpsampling(frame, component))];
        for (var y = 0; y < frame.Height; y++)
        {
            var row = image.Row(y);
            var first = planes[0].Row(y);
            if (colour == JpegColour.Grey)
            {
                for (var x = 0; x < frame.Width; x++) row.Slice(3 * x, 3).Fill(first[x]);
                continue;
            }
            var second = planes[1].Row(y);
            var third = planes[2].Row(y);
            if (colour is JpegColour.YCbCr or JpegColour.Ycck) FromYCbCr(first, second, third, row);
            else
                for (var x = 0; x < frame.Width; x++) (row[3 * x], row[3 * x + 1], row[3 * x + 2]) = (first[x], second[x], third[x]);
            if (colour is JpegColour.Cmyk or JpegColour.Ycck) Print(row, planes[3].Row(y), colour == JpegColour.Ycck);
        }
        return image;
    }

    /// <summary>BT.601 of full range, in fixed point of 16 bits.</summary>
    static void FromYCbCr(ReadOnlySpan<byte> luma, ReadOnlySpan<byte> blue, ReadOnlySpan<byte> red, Span<byte> row)
    {
        const int Half = 1 << 15;
        var x = 0;
        for (; 3 * x <= row.Length - 3 * Vector128<byte>.Count; x += Vector128<byte>.Count)
        {
            var (y0, y1) = Widen(luma[x..], 0);
            var (b0, b1) = Widen(blue[x..], 128);
            var (r0, r1) = Widen(red[x..], 128);
            var half = Vector256.Create(Half);
            Interleave(
                Narrow(y0 + ((r0 * 91881 + half) >> 16), y1 + ((r1 * 91881 + half) >> 16)),
                Narrow(y0 + ((half - b0 * 22554 - r0 * 46802) >> 16), y1 + ((half - b1 * 22554 - r1 * 46802) >> 16)),
                Narrow(y0 + ((b0 * 116130 + half) >> 16), y1 + ((b1 * 116130 + half) >> 16)),
                row[(3 * x)..]);
        }
        for (; 3 * x < row.Length; x++)
        {
            var (y, cb, cr) = (luma[x], blue[x] - 128, red[x] - 128);
            row[3 * x] = Clamp(y + ((91881 * cr + Half) >> 16));
            row[3 * x + 1] = Clamp(y + ((Half - 22554 * cb - 46802 * cr) >> 16));
            row[3 * x + 2] = Clamp(y + ((116130 * cb + Half) >> 16));
        }
    }

    static (Vector256<int>, Vector256<int>) Widen(ReadOnlySpan<byte> samples, int middle)
    {
        var (low, high) = Vector128.Widen(Vector128.Create(samples));
        var (first, second) = Vector256.Widen(Vector256.Create(low, high));
        return (first.AsInt32() - Vector256.Create(middle), second.AsInt32() - Vector256.Create(middle));
    }

    static Vector128<byte> Narrow(Vector256<int> first, Vector256<int> second)
    {
        var words = Vector256.Clamp(Vector256.Narrow(first, second), Vector256<short>.Zero, Vector256.Create((short)255)).AsUInt16();
        return Vector128.Narrow(words.GetLower(), words.GetUpper());
    }

    /// <summary>Writes 16 pixels; an index beyond a vector gives zero.</summary>
    static void Interleave(Vector128<byte> red, Vector128<byte> green, Vector128<byte> blue, Span<byte> pixels)
    {
        const byte No = 255;
        (Vector128.Shuffle(red, Vector128.Create(0, No, No, 1, No, No, 2, No, No, 3, No, No, 4, No, No, 5))
            | Vector128.Shuffle(green, Vector128.Create(No, 0, No, No, 1, No, No, 2, No, No, 3, No, No, 4, No, No))
            | Vector128.Shuffle(blue, Vector128.Create(No, No, 0, No, No, 1, No, No, 2, No, No, 3, No, No, 4, No))).CopyTo(pixels);
        (Vector128.Shuffle(red, Vector128.Create(No, No, 6, No, No, 7, No, No, 8, No, No, 9, No, No, 10, No))
            | Vector128.Shuffle(green, Vector128.Create(5, No, No, 6, No, No, 7, No, No, 8, No, No, 9, No, No, 10))
            | Vector128.Shuffle(blue, Vector128.Create(No, 5, No, No, 6, No, No, 7, No, No, 8, No, No, 9, No, No))).CopyTo(pixels[16..]);
        (Vector128.Shuffle(red, Vector128.Create(No, 11, No, No, 12, No, No, 13, No, No, 14, No, No, 15, No, No))
            | Vector128.Shuffle(green, Vector128.Create(No, No, 11, No, No, 12, No, No, 13, No, No, 14, No, No, 15, No))
            | Vector128.Shuffle(blue, Vector128.Create(10, No, No, 11, No, No, 12, No, No, 13, No, No, 14, No, No, 15))).CopyTo(pixels[32..]);
    }

    /// <summary>
    /// Inks to light, in place. Adobe stores 255 for no ink, and Pillow takes every file so. What comes of YCCK's luma and chroma is
    /// the opposite of the first three inks' bytes.
    /// </summary>
    static void Print(Span<byte> row, ReadOnlySpan<byte> black, bool opposite)
    {
        for (var i = 0; i < row.Length; i++)
        {
            var light = black[i / 3];
            var ink = opposite ? row[i] : 255 - row[i];
            var product = ink * light + 128;
            row[i] = Clamp(light - (((product >> 8) + product) >> 8));
        }
    }

    static byte Clamp(int value) => (byte)Math.Clamp(value, 0, 255);
}
