using System.Buffers.Binary;

namespace PeaEngine.Diffusion.Images;

/// <summary>The colour types of the format.</summary>
enum PngColour : byte
{
    Grey = 0,
    Rgb = 2,
    Palette = 3,
    GreyAlpha = 4,
    Rgba = 6,
}

/// <summary>What IHDR says, checked.</summary>
readonly record struct PngHeader(int Width, int Height, int BitDepth, PngColour Colour, bool Interlaced)
{
    /// <summary>Adam7's passes: the first column and row, and the steps.</summary>
    static readonly (int X, int Y, int StepX, int StepY)[] Adam7 =
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

    /// <summary>A grid of pixels that are stored one after another.</summary>
    public readonly record struct Pass(int X, int Y, int StepX, int StepY, int Width, int Height);

    /// <summary>Samples of a pixel.</summary>
    public int Channels => Colour switch
    {
        PngColour.Grey or PngColour.Palette => 1,
        PngColour.GreyAlpha => 2,
        PngColour.Rgb => 3,
        _ => 4,
    };

    /// <summary>The distance in bytes between what a filter compares.</summary>
    public int FilterStep => Math.Max(Channels * BitDepth / 8, 1);

    /// <summary>The grids with at least a pixel, in the order of the file.</summary>
    public IEnumerable<Pass> Passes()
    {
        if (!Interlaced)
        {
            yield return new Pass(0, 0, 1, 1, Width, Height);
            yield break;
        }
        foreach (var (x, y, stepX, stepY) in Adam7)
        {
            var (width, height) = ((Width - x + stepX - 1) / stepX, (Height - y + stepY - 1) / stepY);
            if (width > 0 && height > 0) yield return new Pass(x, y, stepX, stepY, width, height);
        }
    }

    /// <summary>The bytes of a row of <paramref name="width"/> pixels, without its filter byte.</summary>
    public int RowBytes(int width) => (int)(((long)width * Channels * BitDepth + 7) / 8);

    /// <summary>The bytes that the image data inflates to.</summary>
    public long InflatedBytes()
    {
        var bytes = 0L;
        foreach (var pass in Passes()) bytes += (1L + RowBytes(pass.Width)) * pass.Height;
        return bytes;
    }

    /// <summary>Reads the chunk's 13 bytes.</summary>
    /// <exception cref="PeaException">A value that the format does not have, or a picture too large.</exception>
    public static PngHeader Parse(ReadOnlySpan<byte> chunk, string name)
    {
        if (chunk.Length != 13) throw new PeaException($"{name}: IHDR has {chunk.Length} bytes, expected 13");
        var (width, height) = (BinaryPrimitives.ReadUInt32BigEndian(chunk), BinaryPrimitives.ReadUInt32BigEndian(chunk[4..]));
        PixelImage.CheckSize(name, width, height);
        var (depth, colour) = (chunk[8], (PngColour)chunk[9]);
        var known = colour switch
        {
            PngColour.Grey => depth is 1 or 2 or 4 or 8 or 16,
            PngColour.Palette => depth is 1 or 2 or 4 or 8,
            PngColour.Rgb or PngColour.GreyAlpha or PngColour.Rgba => depth is 8 or 16,
            _ => false,
        };
        if (!known) throw new PeaException($"{name}: colour type {chunk[9]} of {depth} bits, expected one that PNG has");
        if (chunk[10] != 0) throw new PeaException($"{name}: compression method {chunk[10]}, expected 0");
        if (chunk[11] != 0) throw new PeaException($"{name}: filter method {chunk[11]}, expected 0");
        if (chunk[12] > 1) throw new PeaException($"{name}: interlace method {chunk[12]}, expected 0 or 1");
        return new PngHeader((int)width, (int)height, depth, colour, chunk[12] == 1);
    }
}
