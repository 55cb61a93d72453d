using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Randomness;

namespace PeaEngine.Train.Data;

/// <summary>A picture brought to its bucket's size.</summary>
/// <param name="Image">The pixels.</param>
/// <param name="TimeIds">SDXL's micro-conditioning [6]: the original height and width, the top and left of the crop, the height and width.</param>
public sealed record CroppedPicture(PixelImage Image, float[] TimeIds);

/// <summary>
/// Resizes a picture with Pillow's antialiased bilinear filter so that it just covers a size, as the published data set does, and cuts that size
/// out at a random place.
/// </summary>
public static class CoverCrop
{
    /// <summary>Draws first the left, then the top of the crop, each place as likely.</summary>
    /// <exception cref="PeaException">The picture is so narrow that the covering one has too many pixels.</exception>
    public static CroppedPicture Apply(PixelImage picture, PixelSize size, Philox random)
    {
        ArgumentNullException.ThrowIfNull(picture);
        ArgumentNullException.ThrowIfNull(random);
        var (width, height) = Cover(picture.Width, picture.Height, size);
        var resized = picture.Resize(width, height, ResampleFilter.Bilinear);
        int left = random.Below(width - size.Width + 1), top = random.Below(height - size.Height + 1);
        var image = new PixelImage(size.Width, size.Height, picture.Channels);
        for (var y = 0; y < size.Height; y++) resized.Row(top + y).Slice(left * picture.Channels, size.Width * picture.Channels).CopyTo(image.Row(y));
        return new(image, [picture.Height, picture.Width, top, left, size.Height, size.Width]);
    }

    /// <summary>One extent is the size's, the other is as the picture's aspect wants it, rounded down, and no smaller than the size's.</summary>
    internal static (int Width, int Height) Cover(int width, int height, PixelSize size)
    {
        var across = (long)width * size.Height / height;
        if (across >= size.Width) return ((int)Math.Min(across, int.MaxValue), size.Height);
        return (size.Width, (int)Math.Min((long)height * size.Width / width, int.MaxValue));
    }
}
