namespace PeaEngine.Diffusion.Vae;

/// <summary>A part of a picture in host memory, [Height, Width, Channels].</summary>
sealed record Tile(float[] Values, int Height, int Width, int Channels)
{
    /// <summary>A part of [height, width, channels] values; what would lie outside is left off.</summary>
    public static Tile Crop(ReadOnlySpan<float> values, int height, int width, int channels, int top, int left, int size)
    {
        int h = Math.Min(size, height - top), w = Math.Min(size, width - left);
        var cropped = new float[h * w * channels];
        for (var y = 0; y < h; y++)
            values.Slice(((top + y) * width + left) * channels, w * channels).CopyTo(cropped.AsSpan(y * w * channels));
        return new(cropped, h, w, channels);
    }

    /// <summary>diffusers blend_v: the first rows fade in from the last rows of the tile above.</summary>
    public void BlendBelow(Tile above, int extent)
    {
        extent = Math.Min(extent, Math.Min(above.Height, Height));
        var row = Width * Channels;
        for (var y = 0; y < extent; y++)
            Fade(above.Values.AsSpan((above.Height - extent + y) * row, row), Values.AsSpan(y * row, row), (float)y / extent);
    }

    /// <summary>diffusers blend_h: the first columns fade in from the last columns of the tile to the left.</summary>
    public void BlendRightOf(Tile left, int extent)
    {
        extent = Math.Min(extent, Math.Min(left.Width, Width));
        for (var y = 0; y < Height; y++)
            for (var x = 0; x < extent; x++)
                Fade(left.Values.AsSpan((y * left.Width + left.Width - extent + x) * Channels, Channels),
                    Values.AsSpan((y * Width + x) * Channels, Channels), (float)x / extent);
    }

    static void Fade(ReadOnlySpan<float> from, Span<float> to, float share)
    {
        for (var i = 0; i < to.Length; i++) to[i] = from[i] * (1 - share) + to[i] * share;
    }
}
