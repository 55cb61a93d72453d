namespace PeaEngine.Diffusion.Images;

/// <summary>A component on its way into a file: samples, with the last column and row repeated to whole blocks as libjpeg repeats them.</summary>
sealed class JpegPlane
{
    readonly byte[] samples;
    readonly int stride;

    JpegPlane(int width, int height)
    {
        (BlocksAcross, BlocksDown) = (JpegFrame.DivideUp(width, 8), JpegFrame.DivideUp(height, 8));
        // Room for two blocks side by side, so that half of a row is whole blocks too.
        stride = 16 * JpegFrame.DivideUp(width, 16);
        samples = new byte[stride * 8 * BlocksDown];
    }

    /// <summary>Blocks of a row.</summary>
    public int BlocksAcross { get; }

    /// <summary>Rows of blocks.</summary>
    public int BlocksDown { get; }

    /// <summary>Transforms and quantizes a block into natural order.</summary>
    public void Transform(int x, int y, ReadOnlySpan<ushort> quantization, Span<short> block) =>
        JpegDct.Forward(samples.AsSpan(8 * (y * stride + x)), stride, quantization, block);

    /// <summary>Grey as it is.</summary>
    public static JpegPlane OfGrey(PixelImage image)
    {
        var plane = new JpegPlane(image.Width, image.Height);
        for (var y = 0; y < image.Height; y++) image.Row(y).CopyTo(plane.Row(y));
        return plane.Padded(image.Width, image.Height);
    }

    /// <summary>Luma and the two chromas, as libjpeg's <c>jccolor.c</c>: BT.601 of full range in fixed point of 16 bits.</summary>
    public static JpegPlane[] OfColour(PixelImage image, bool subsampling)
    {
        const int Half = 1 << 15, Middle = (128 << 16) + Half - 1;
        JpegPlane[] planes = [new(image.Width, image.Height), new(image.Width, image.Height), new(image.Width, image.Height)];
        for (var y = 0; y < image.Height; y++)
        {
            var row = image.Row(y);
            var luma = planes[0].Row(y);
            var blue = planes[1].Row(y);
            var red = planes[2].Row(y);
            for (var x = 0; x < image.Width; x++)
            {
                var (r, g, b) = (row[3 * x], row[3 * x + 1], row[3 * x + 2]);
                luma[x] = (byte)((19595 * r + 38470 * g + 7471 * b + Half) >> 16);
                blue[x] = (byte)((32768 * b - 11059 * r - 21709 * g + Middle) >> 16);
                red[x] = (byte)((32768 * r - 27439 * g - 5329 * b + Middle) >> 16);
            }
        }
        foreach (var plane in planes) plane.Padded(image.Width, image.Height);
        return subsampling ? [planes[0], planes[1].Halved(image.Width, image.Height), planes[2].Halved(image.Width, image.Height)] : planes;
    }

    Span<byte> Row(int y) => samples.AsSpan(y * stride, stride);

    JpegPlane Padded(int width, int height)
    {
        for (var y = 0; y < height; y++) Row(y)[width..].Fill(Row(y)[width - 1]);
        for (var y = height; y < 8 * BlocksDown; y++) Row(height - 1).CopyTo(Row(y));
        return this;
    }

    /// <summary>Means of 2x2 samples, rounded down and up in turns, as libjpeg's <c>h2v2_downsample</c>.</summary>
    JpegPlane Halved(int width, int height)
    {
        var half = new JpegPlane(JpegFrame.DivideUp(width, 2), JpegFrame.DivideUp(height, 2));
        for (var y = 0; y < JpegFrame.DivideUp(height, 2); y++)
        {
            var upper = Row(2 * y);
            var lower = Row(Math.Min(2 * y + 1, height - 1));
            var row = half.Row(y);
            for (var x = 0; x < stride / 2; x++) row[x] = (byte)((upper[2 * x] + upper[2 * x + 1] + lower[2 * x] + lower[2 * x + 1] + 1 + (x & 1)) >> 2);
        }
        return half.Padded(stride / 2, JpegFrame.DivideUp(height, 2));
    }
}
