using System.Buffers.Binary;

namespace PeaEngine.Diffusion.Images;

/// <summary>
/// Reads BMP files of 1 to 32 bits, with palettes, run lengths or bit fields, bottom up or top down. Files are not trusted: nothing is
/// allocated by a size that the file's own length does not allow.
/// </summary>
static class BmpReader
{
    /// <summary>The longest run of pixels, and the bytes that it takes.</summary>
    const int MaxRun = 255, RunBytes = 2;

    /// <summary>How every BMP begins.</summary>
    public static ReadOnlySpan<byte> Signature => "BM"u8;

    /// <summary>The width and height of the header.</summary>
    /// <exception cref="PeaException">It is damaged.</exception>
    public static (int Width, int Height) ReadSize(ReadOnlySpan<byte> file, string name)
    {
        var header = BmpHeader.Parse(file, name);
        return (header.Width, header.Height);
    }

    /// <summary>Reads the bytes of a file that begins with <see cref="Signature"/> as colour; <paramref name="name"/> is for messages.</summary>
    /// <exception cref="PeaException">It is damaged, or of a kind that is not read.</exception>
    public static PixelImage Read(ReadOnlySpan<byte> file, string name)
    {
        var header = BmpHeader.Parse(file, name);
        var data = file[header.DataOffset..];
        var isRuns = header.Compression is BmpCompression.Rle4 or BmpCompression.Rle8;
        if (isRuns ? (long)header.Width * header.Height > (long)data.Length * MaxRun / RunBytes : header.RowBytes * header.Height > data.Length)
            throw new PeaException($"{name}: {data.Length} bytes of pixels, too few for {header.Width}x{header.Height}: the file is truncated or damaged");
        var palette = file.Slice(header.PaletteOffset, header.Colours * header.PaletteStep);
        var image = new PixelImage(header.Width, header.Height);
        if (isRuns) ReadRuns(data, header, palette, image, name);
        else
            for (var y = 0; y < header.Height; y++)
            {
                var bytes = data.Slice((int)(y * header.RowBytes), (int)header.RowBytes);
                var row = Row(image, header, y);
                for (var x = 0; x < header.Width; x++)
                {
                    if (header.Bits <= 8) SetColour(row, x, Index(bytes, x, header.Bits), header, palette, name);
                    else SetPixel(row, x, Pixel(bytes, x, header.Bits), header);
                }
            }
        return image;
    }

    /// <summary>A row as stored: the last comes first, unless the header says otherwise.</summary>
    static Span<byte> Row(PixelImage image, BmpHeader header, int y) => image.Row(header.IsTopDown ? y : header.Height - 1 - y);

    static int Index(ReadOnlySpan<byte> row, int x, int bits) => (row[x * bits >> 3] >> (8 - bits - (x * bits & 7))) & ((1 << bits) - 1);

    static long Pixel(ReadOnlySpan<byte> row, int x, int bits) => bits switch
    {
        16 => BinaryPrimitives.ReadUInt16LittleEndian(row[(2 * x)..]),
        24 => row[3 * x] | row[3 * x + 1] << 8 | row[3 * x + 2] << 16,
        _ => BinaryPrimitives.ReadUInt32LittleEndian(row[(4 * x)..]),
    };

    static void SetPixel(Span<byte> row, int x, long pixel, BmpHeader header) =>
        (row[3 * x], row[3 * x + 1], row[3 * x + 2]) = (header.Red.Of(pixel), header.Green.Of(pixel), header.Blue.Of(pixel));

    static void SetColour(Span<byte> row, int x, int index, BmpHeader header, ReadOnlySpan<byte> palette, string name)
    {
        if (index >= header.Colours) throw new PeaException($"{name}: a pixel of colour {index}, expected one of the palette's {header.Colours}");
        var colour = palette.Slice(index * header.PaletteStep, 3);
        (row[3 * x], row[3 * x + 1], row[3 * x + 2]) = (colour[2], colour[1], colour[0]);
    }

    /// <summary>Runs of one or two colours in turns, pixels as they are, jumps; what is jumped over has colour 0, and a run ends with its row.</summary>
    static void ReadRuns(ReadOnlySpan<byte> data, BmpHeader header, ReadOnlySpan<byte> palette, PixelImage image, string name)
    {
        for (var y = 0; y < header.Height; y++)
            for (var x = 0; x < header.Width; x++) SetColour(Row(image, header, y), x, 0, header, palette, name);

        var (column, line) = (0, 0);
        while (line < header.Height)
        {
            var (count, code) = (First(data, RunBytes, name), data[1]);
            data = data[RunBytes..];
            if (count > 0)
            {
                var row = Row(image, header, line);
                for (var i = 0; i < count && column < header.Width; i++, column++)
                    SetColour(row, column, header.Bits == 8 ? code : i % 2 == 0 ? code >> 4 : code & 15, header, palette, name);
            }
            else if (code == 0) (column, line) = (0, line + 1);
            else if (code == 1) return;
            else if (code == 2)
            {
                (column, line) = (Math.Min(column + First(data, 2, name), header.Width), line + data[1]);
                data = data[2..];
            }
            else
            {
                // Pixels fill whole words.
                var bytes = (code * header.Bits + 15) / 16 * 2;
                First(data, bytes, name);
                var row = Row(image, header, line);
                for (var i = 0; i < code && column < header.Width; i++, column++) SetColour(row, column, Index(data, i, header.Bits), header, palette, name);
                data = data[bytes..];
            }
        }
    }

    /// <summary>The first byte, if there are as many as <paramref name="count"/>.</summary>
    static int First(ReadOnlySpan<byte> data, int count, string name) =>
        data.Length >= count ? data[0] : throw new PeaException($"{name}: the pixels end early: the file is truncated or damaged");
}
