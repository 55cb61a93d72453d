using PeaEngine.Diffusion.Images;

namespace PeaEngine.Train.Metrics;

/// <summary>A colour.</summary>
readonly record struct Rgb(byte Red, byte Green, byte Blue);

/// <summary>Lines and labels on a white picture; what lies outside is not drawn.</summary>
sealed class Canvas
{
    const int LetterGap = 1;

    /// <summary>A white picture.</summary>
    public Canvas(int width, int height)
    {
        Picture = new(width, height);
        Picture.Pixels.Fill(255);
    }

    /// <summary>What was drawn.</summary>
    public PixelImage Picture { get; }

    /// <summary>Pixels of a label, without a gap behind.</summary>
    public static int WidthOf(string text, int scale) => Math.Max(0, text.Length * (BitmapFont.Width + LetterGap) - LetterGap) * scale;

    /// <summary>A label whose upper left corner is given; each of the font's pixels is a square of <paramref name="scale"/>.</summary>
    public void Text(int left, int top, string text, Rgb colour, int scale)
    {
        for (var i = 0; i < text.Length; i++)
            for (var y = 0; y < BitmapFont.Height * scale; y++)
                for (var x = 0; x < BitmapFont.Width * scale; x++)
                    if (BitmapFont.IsInk(text[i], x / scale, y / scale)) Point(left + i * (BitmapFont.Width + LetterGap) * scale + x, top + y, colour);
    }

    /// <summary>A line between two pixels (Bresenham), of that many pixels' width across its longer side.</summary>
    public void Line(int x0, int y0, int x1, int y1, Rgb colour, int width = 1)
    {
        int dx = Math.Abs(x1 - x0), dy = -Math.Abs(y1 - y0), stepX = Math.Sign(x1 - x0), stepY = Math.Sign(y1 - y0), error = dx + dy;
        while (true)
        {
            for (var i = 0; i < width; i++) Point(dx < -dy ? x0 + i : x0, dx < -dy ? y0 : y0 + i, colour);
            if (x0 == x1 && y0 == y1) return;
            var twice = 2 * error;
            if (twice >= dy) (error, x0) = (error + dy, x0 + stepX);
            if (twice <= dx) (error, y0) = (error + dx, y0 + stepY);
        }
    }

    void Point(int x, int y, Rgb colour)
    {
        if ((uint)x >= (uint)Picture.Width || (uint)y >= (uint)Picture.Height) return;
        var pixel = Picture.Row(y).Slice(3 * x, 3);
        (pixel[0], pixel[1], pixel[2]) = (colour.Red, colour.Green, colour.Blue);
    }
}
