using PeaEngine.Diffusion.Images;

namespace PeaEngine.Train.Plots;

/// <summary>What plots and tables are drawn with, beside letters.</summary>
static class Painting
{
    /// <summary>Fills a rectangle of a picture of three channels with 0xRRGGBB; what falls outside is cut off.</summary>
    public static void Fill(this PixelImage image, int x, int y, int width, int height, int colour)
    {
        int left = Math.Max(x, 0), right = Math.Min(x + width, image.Width);
        for (var row = Math.Max(y, 0); row < Math.Min(y + height, image.Height); row++)
        {
            var pixels = image.Row(row);
            for (var column = left; column < right; column++)
                (pixels[3 * column], pixels[3 * column + 1], pixels[3 * column + 2]) = ((byte)(colour >> 16), (byte)(colour >> 8), (byte)colour);
        }
    }
}
