using System.IO.Compression;

namespace PeaEngine.Diffusion.Images;

/// <summary>From compressed image data to colour.</summary>
static class PngPixels
{
    /// <summary>deflate's densest code is a copy of 258 bytes in 2 bits.</summary>
    const long MaxInflation = 1032;

    /// <summary>Inflates, undoes filters and interlacing, and converts to red, green and blue.</summary>
    /// <exception cref="PeaException">The data is missing, damaged, or not as much as the size wants.</exception>
    public static PixelImage Decode(PngHeader header, ReadOnlySpan<byte> palette, List<ReadOnlyMemory<byte>> data, string name)
    {
        if (header.Colour == PngColour.Palette && palette.IsEmpty) throw new PeaException($"{name}: no palette, expected PLTE before the image data");
        var (compressed, inflated) = (data.Sum(chunk => (long)chunk.Length), header.InflatedBytes());
        if (compressed * MaxInflation < inflated)
            throw new PeaException($"{name}: {compressed} bytes of image data, too few for {header.Width}x{header.Height}: the file is truncated or damaged");

        var image = new PixelImage(header.Width, header.Height);
        try
        {
            using var inflater = new ZLibStream(new PngDataStream(data), CompressionMode.Decompress);
            foreach (var pass in header.Passes()) DecodePass(header, pass, palette, inflater, image, name);
            // Reading on to the end also checks the checksum there.
            if (inflater.ReadByte() >= 0) throw new PeaException($"{name}: more image data than {header.Width}x{header.Height} needs, expected {inflated} bytes");
        }
        catch (EndOfStreamException exception)
        {
            throw new PeaException($"{name}: the image data ends early, expected {inflated} bytes: the file is truncated or damaged", exception);
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException)
        {
            throw new PeaException($"{name}: the image data cannot be inflated: the file is truncated or damaged", exception);
        }
        return image;
    }

    static void DecodePass(PngHeader header, PngHeader.Pass pass, ReadOnlySpan<byte> palette, ZLibStream inflater, PixelImage image, string name)
    {
        // A byte for the filter, then the row.
        var (row, above) = (new byte[1 + header.RowBytes(pass.Width)], new byte[1 + header.RowBytes(pass.Width)]);
        var samples = new byte[pass.Width * header.Channels];
        for (var y = 0; y < pass.Height; y++)
        {
            inflater.ReadExactly(row);
            if (!PngFilter.Undo(row[0], row.AsSpan(1), above.AsSpan(1), header.FilterStep))
                throw new PeaException($"{name}: a row with filter {row[0]}, expected 0 to {PngFilter.Count - 1}");
            Unpack(row.AsSpan(1), header, samples);
            var destination = image.Row(pass.Y + y * pass.StepY);
            for (var x = 0; x < pass.Width; x++)
            {
                var pixel = destination.Slice((pass.X + x * pass.StepX) * 3, 3);
                switch (header.Colour)
                {
                    case PngColour.Palette:
                        if (samples[x] * 3 >= palette.Length)
                            throw new PeaException($"{name}: a pixel of colour {samples[x]}, expected one of the palette's {palette.Length / 3}");
                        palette.Slice(samples[x] * 3, 3).CopyTo(pixel);
                        break;
                    case PngColour.Grey or PngColour.GreyAlpha:
                        pixel.Fill(samples[x * header.Channels]);
                        break;
                    default:
                        samples.AsSpan(x * header.Channels, 3).CopyTo(pixel);
                        break;
                }
            }
            (row, above) = (above, row);
        }
    }

    /// <summary>The samples as bytes: the high one of 16 bits; fewer than 8 spread over the range, unless they are a palette's indices.</summary>
    static void Unpack(ReadOnlySpan<byte> row, PngHeader header, Span<byte> samples)
    {
        var depth = header.BitDepth;
        if (depth == 8) row.CopyTo(samples);
        else if (depth == 16)
            for (var i = 0; i < samples.Length; i++) samples[i] = row[2 * i];
        else
        {
            var mask = (1 << depth) - 1;
            var scale = header.Colour == PngColour.Palette ? 1 : 255 / mask;
            for (var i = 0; i < samples.Length; i++)
            {
                var bit = i * depth;
                samples[i] = (byte)(((row[bit >> 3] >> (8 - depth - (bit & 7))) & mask) * scale);
            }
        }
    }
}
