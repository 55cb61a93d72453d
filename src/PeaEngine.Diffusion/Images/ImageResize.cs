namespace PeaEngine.Diffusion.Images;

/// <summary>
/// Pillow's <c>ImagingResample</c> for 8-bit pictures, to the bit: weights in double, rounded to 22-bit fixed point; the rows first, then the
/// columns, with the values rounded to bytes in between; a filter is stretched when the picture shrinks.
/// </summary>
static class ImageResize
{
    const int PrecisionBits = 32 - 8 - 2, Half = 1 << (PrecisionBits - 1);

    /// <summary>The source pixels [First, First + Count) of one new pixel, with weights from Offset on.</summary>
    readonly record struct Window(int First, int Count, int Offset);

    /// <summary>See <see cref="PixelImage.Resize"/>.</summary>
    public static PixelImage Resize(PixelImage image, int width, int height, ResampleFilter filter)
    {
        PixelImage.CheckSize("resize", width, height);
        if (width == image.Width && height == image.Height)
            return new PixelImage(width, height, image.Channels, image.Pixels) { Texts = image.Texts, Orientation = image.Orientation };
        if (filter == ResampleFilter.Nearest) return Nearest(image, width, height);
        var rows = width == image.Width ? image : ResizeRows(image, width, filter);
        var resized = height == image.Height ? rows : ResizeColumns(rows, height, filter);
        (resized.Texts, resized.Orientation) = (image.Texts, image.Orientation);
        return resized;
    }

    static PixelImage ResizeRows(PixelImage image, int width, ResampleFilter filter)
    {
        var (windows, weights) = Weigh(image.Width, width, filter);
        var resized = new PixelImage(width, image.Height, image.Channels);
        var channels = image.Channels;
        for (var y = 0; y < image.Height; y++)
        {
            ReadOnlySpan<byte> source = image.Row(y);
            var destination = resized.Row(y);
            for (var x = 0; x < width; x++)
            {
                var window = windows[x];
                for (var c = 0; c < channels; c++)
                {
                    var sum = Half;
                    for (var k = 0; k < window.Count; k++)
                        sum += source[(window.First + k) * channels + c] * weights[window.Offset + k];
                    destination[x * channels + c] = Clip(sum);
                }
            }
        }
        return resized;
    }

    static PixelImage ResizeColumns(PixelImage image, int height, ResampleFilter filter)
    {
        var (windows, weights) = Weigh(image.Height, height, filter);
        var resized = new PixelImage(image.Width, height, image.Channels);
        var sums = new int[image.Width * image.Channels];
        for (var y = 0; y < height; y++)
        {
            var window = windows[y];
            Array.Fill(sums, Half);
            for (var k = 0; k < window.Count; k++)
            {
                ReadOnlySpan<byte> source = image.Row(window.First + k);
                var weight = weights[window.Offset + k];
                for (var i = 0; i < sums.Length; i++) sums[i] += source[i] * weight;
            }
            var destination = resized.Row(y);
            for (var i = 0; i < sums.Length; i++) destination[i] = Clip(sums[i]);
        }
        return resized;
    }

    static byte Clip(int sum) => (byte)Math.Clamp(sum >> PrecisionBits, 0, 255);

    static (Window[] Windows, int[] Weights) Weigh(int from, int to, ResampleFilter filter)
    {
        var scale = (double)from / to;
        var filterScale = Math.Max(scale, 1.0);
        var support = Support(filter) * filterScale;
        var reciprocal = 1.0 / filterScale;
        var windows = new Window[to];
        var weights = new List<int>();
        var exact = new double[(int)Math.Ceiling(support) * 2 + 1];
        for (var i = 0; i < to; i++)
        {
            var center = (i + 0.5) * scale;
            var first = Math.Max((int)(center - support + 0.5), 0);
            var count = Math.Min((int)(center + support + 0.5), from) - first;
            var total = 0.0;
            for (var k = 0; k < count; k++)
            {
                exact[k] = Weight(filter, (k + first - center + 0.5) * reciprocal);
                total += exact[k];
            }
            windows[i] = new Window(first, count, weights.Count);
            for (var k = 0; k < count; k++)
            {
                var weight = total != 0.0 ? exact[k] / total : exact[k];
                weights.Add((int)((weight < 0 ? -0.5 : 0.5) + weight * (1 << PrecisionBits)));
            }
        }
        return (windows, weights.ToArray());
    }

    static double Support(ResampleFilter filter) => filter switch
    {
        ResampleFilter.Box => 0.5,
        ResampleFilter.Bilinear => 1.0,
        ResampleFilter.Bicubic => 2.0,
        _ => 3.0,
    };

    static double Weight(ResampleFilter filter, double x) => filter switch
    {
        ResampleFilter.Box => x is > -0.5 and <= 0.5 ? 1.0 : 0.0,
        ResampleFilter.Bilinear => Math.Max(1.0 - Math.Abs(x), 0.0),
        ResampleFilter.Bicubic => Cubic(Math.Abs(x)),
        _ => x is >= -3.0 and < 3.0 ? Sinc(x) * Sinc(x / 3) : 0.0,
    };

    static double Cubic(double x)
    {
        const double A = -0.5;
        if (x < 1.0) return ((A + 2.0) * x - (A + 3.0)) * x * x + 1;
        return x < 2.0 ? (((x - 5) * x + 8) * x - 4) * A : 0.0;
    }

    static double Sinc(double x)
    {
        if (x == 0.0) return 1.0;
        x *= Math.PI;
        return Math.Sin(x) / x;
    }

    /// <summary>Pillow steps through the source in double, adding up: the sums' rounding is part of the result.</summary>
    static PixelImage Nearest(PixelImage image, int width, int height)
    {
        var resized = new PixelImage(width, height, image.Channels) { Texts = image.Texts, Orientation = image.Orientation };
        var (columns, rows) = (Step(image.Width, width), Step(image.Height, height));
        var channels = image.Channels;
        for (var y = 0; y < height; y++)
        {
            ReadOnlySpan<byte> source = image.Row(rows[y]);
            var destination = resized.Row(y);
            for (var x = 0; x < width; x++)
                source.Slice(columns[x] * channels, channels).CopyTo(destination[(x * channels)..]);
        }
        return resized;

        static int[] Step(int from, int to)
        {
            var step = (double)from / to;
            var position = step * 0.5;
            var indices = new int[to];
            for (var i = 0; i < to; i++, position += step) indices[i] = Math.Min((int)position, from - 1);
            return indices;
        }
    }
}
