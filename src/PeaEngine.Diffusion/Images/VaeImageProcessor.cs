namespace PeaEngine.Diffusion.Images;

/// <summary>diffusers <c>VaeImageProcessor</c>: pictures to the numbers that a VAE takes, and back.</summary>
public static class VaeImageProcessor
{
    /// <summary>The picture's size, each extent rounded down to a multiple of <paramref name="factor"/>.</summary>
    public static (int Width, int Height) DefaultSize(PixelImage image, int factor) =>
        (image.Width - image.Width % factor, image.Height - image.Height % factor);

    /// <summary>Resizes a picture with Lanczos and writes it into <paramref name="tensor"/>, [H, W, 3] in -1 to 1.</summary>
    /// <exception cref="PeaException">The tensor has not height · width · 3 elements, or the picture is grey.</exception>
    public static void Preprocess(PixelImage image, int width, int height, Span<float> tensor)
    {
        if (image.Channels != 3) throw new PeaException($"preprocess: a picture of {image.Channels} channel, expected 3");
        CheckLength("preprocess", tensor.Length, width, height, 3);
        var pixels = image.Resize(width, height).Pixels;
        for (var i = 0; i < tensor.Length; i++) tensor[i] = 2f * (pixels[i] / 255f) - 1f;
    }

    /// <summary>Resizes a ControlNet's picture, colour or grey, with Lanczos and writes it into <paramref name="tensor"/>, [H, W, 3] in 0 to 1.</summary>
    /// <exception cref="PeaException">The tensor has not height · width · 3 elements.</exception>
    public static void PreprocessControl(PixelImage image, int width, int height, Span<float> tensor)
    {
        CheckLength("preprocess control", tensor.Length, width, height, 3);
        var resized = image.Resize(width, height);
        var pixels = resized.Pixels;
        for (var i = 0; i < tensor.Length; i++) tensor[i] = pixels[resized.Channels == 1 ? i / 3 : i] / 255f;
    }

    /// <summary>
    /// Resizes a mask with Lanczos, turns it to grey and writes 1 into <paramref name="tensor"/>, [H, W], where it is at least half bright,
    /// else 0: 1 is what is to be painted.
    /// </summary>
    /// <exception cref="PeaException">The tensor has not height · width elements.</exception>
    public static void PreprocessMask(PixelImage mask, int width, int height, Span<float> tensor)
    {
        CheckLength("preprocess mask", tensor.Length, width, height, 1);
        var pixels = mask.Resize(width, height).ToGrey().Pixels;
        for (var i = 0; i < tensor.Length; i++) tensor[i] = pixels[i] / 255f < 0.5f ? 0f : 1f;
    }

    /// <summary>torch's <c>interpolate(mode="nearest")</c> of one plane [sourceHeight, sourceWidth] to [height, width].</summary>
    /// <exception cref="PeaException">A span's length is not its plane's.</exception>
    public static void ResizeNearest(ReadOnlySpan<float> source, int sourceWidth, int sourceHeight, Span<float> plane, int width, int height)
    {
        CheckLength("interpolate source", source.Length, sourceWidth, sourceHeight, 1);
        CheckLength("interpolate", plane.Length, width, height, 1);
        var (scaleX, scaleY) = ((float)sourceWidth / width, (float)sourceHeight / height);
        for (var y = 0; y < height; y++)
        {
            var row = source.Slice(Math.Min((int)(y * scaleY), sourceHeight - 1) * sourceWidth, sourceWidth);
            for (var x = 0; x < width; x++) plane[y * width + x] = row[Math.Min((int)(x * scaleX), sourceWidth - 1)];
        }
    }

    /// <summary>Takes a decoded picture from -1 to 1 to 0 to 1, in place, clamped.</summary>
    public static void Denormalize(Span<float> tensor)
    {
        foreach (ref var value in tensor) value = Math.Clamp(value * 0.5f + 0.5f, 0f, 1f);
    }

    /// <summary>A picture from [H, W, 3] in 0 to 1, rounded half to even as <c>numpy_to_pil</c> does.</summary>
    /// <exception cref="PeaException">The tensor has not height · width · 3 elements.</exception>
    public static PixelImage ToImage(ReadOnlySpan<float> tensor, int width, int height)
    {
        CheckLength("picture", tensor.Length, width, height, 3);
        var image = new PixelImage(width, height);
        var pixels = image.Pixels;
        for (var i = 0; i < pixels.Length; i++) pixels[i] = (byte)MathF.Round(tensor[i] * 255f);
        return image;
    }

    static void CheckLength(string what, int length, int width, int height, int channels)
    {
        if (width <= 0 || height <= 0 || length != (long)width * height * channels)
            throw new PeaException($"{what}: {length} elements, expected [{height},{width},{channels}]");
    }
}
