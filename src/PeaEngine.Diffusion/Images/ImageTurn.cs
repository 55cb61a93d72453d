namespace PeaEngine.Diffusion.Images;

/// <summary>Turns pictures as EXIF's orientation says.</summary>
static class ImageTurn
{
    /// <summary>See <see cref="PixelImage.Upright"/>.</summary>
    public static PixelImage Upright(PixelImage image)
    {
        var orientation = image.Orientation;
        if (orientation == 1) return image;
        // From 5 on rows and columns change places.
        var turned = orientation >= 5 ? new PixelImage(image.Height, image.Width, image.Channels) : new PixelImage(image.Width, image.Height, image.Channels);
        turned.Texts = image.Texts;
        var channels = image.Channels;
        for (var y = 0; y < turned.Height; y++)
        {
            var row = turned.Row(y);
            for (var x = 0; x < turned.Width; x++)
            {
                var (right, below) = (turned.Width - 1 - x, turned.Height - 1 - y);
                var (sourceX, sourceY) = orientation switch
                {
                    2 => (right, y),
                    3 => (right, below),
                    4 => (x, below),
                    5 => (y, x),
                    6 => (y, right),
                    7 => (below, right),
                    8 => (below, x),
                    _ => throw new PeaException($"orientation {orientation}, expected 1 to 8"),
                };
                image.Row(sourceY).Slice(sourceX * channels, channels).CopyTo(row[(x * channels)..]);
            }
        }
        return turned;
    }
}
