using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Images;

/// <summary>Writes PNG files of 8-bit colour or grey. The filter of each row is the one with the smallest sum of absolute differences.</summary>
static class PngWriter
{
    /// <summary>Writes a picture, its texts and its orientation.</summary>
    /// <exception cref="PeaException">A text cannot be stored.</exception>
    public static void Write(Stream stream, PixelImage image)
    {
        var texts = image.Texts.Select(PngTextChunk.Write).ToArray();
        stream.Write(PngReader.Signature);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, image.Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], image.Height);
        header[8] = 8;
        header[9] = (byte)(image.Channels == 1 ? PngColour.Grey : PngColour.Rgb);
        header[10..].Clear();
        WriteChunk(stream, "IHDR", header);
        foreach (var (type, data) in texts) WriteChunk(stream, type, data);
        if (image.Orientation != 1) WriteChunk(stream, "eXIf", new Exif(image.Orientation, null).ToTiff());

        using var compressed = new MemoryStream();
        using (var deflater = new ZLibStream(compressed, CompressionLevel.Optimal, leaveOpen: true)) WriteRows(deflater, image);
        WriteChunk(stream, "IDAT", compressed.GetBuffer().AsSpan(0, (int)compressed.Length));
        WriteChunk(stream, "IEND", []);
    }

    static void WriteRows(ZLibStream deflater, PixelImage image)
    {
        var rowBytes = image.Width * image.Channels;
        ReadOnlySpan<byte> above = new byte[rowBytes];
        // A byte for the filter, then the row.
        var (best, candidate) = (new byte[1 + rowBytes], new byte[1 + rowBytes]);
        for (var y = 0; y < image.Height; y++)
        {
            ReadOnlySpan<byte> row = image.Row(y);
            var least = long.MaxValue;
            for (var filter = 0; filter < PngFilter.Count; filter++)
            {
                candidate[0] = (byte)filter;
                PngFilter.Apply(filter, row, above, image.Channels, candidate.AsSpan(1));
                var sum = 0L;
                foreach (var difference in candidate.AsSpan(1)) sum += Math.Abs((int)(sbyte)difference);
                if (sum >= least) continue;
                least = sum;
                (best, candidate) = (candidate, best);
            }
            deflater.Write(best);
            above = row;
        }
    }

    static void WriteChunk(Stream stream, string type, ReadOnlySpan<byte> data)
    {
        Span<byte> word = stackalloc byte[4];
        Span<byte> name = stackalloc byte[4];
        Encoding.ASCII.GetBytes(type, name);
        BinaryPrimitives.WriteInt32BigEndian(word, data.Length);
        stream.Write(word);
        stream.Write(name);
        stream.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(word, Crc32.Append(Crc32.Append(0, name), data));
        stream.Write(word);
    }
}
