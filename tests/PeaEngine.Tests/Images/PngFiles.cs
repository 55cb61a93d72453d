using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using PeaEngine.Diffusion.Images;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Images;

/// <summary>PNG files made chunk by chunk.</summary>
static class PngFiles
{
    /// <summary>A file of the given chunks.</summary>
    public static byte[] Of(params IEnumerable<(string Type, byte[] Data)> chunks) =>
        [.. PngReader.Signature, .. chunks.SelectMany(chunk => Chunk(chunk.Type, chunk.Data))];

    /// <summary>A chunk with its length and checksum.</summary>
    public static byte[] Chunk(string type, byte[] data)
    {
        var chunk = new byte[12 + data.Length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        Encoding.ASCII.GetBytes(type, chunk.AsSpan(4));
        data.CopyTo(chunk, 8);
        Seal(chunk);
        return chunk;
    }

    /// <summary>IHDR.</summary>
    public static (string, byte[]) Header(int width, int height, int depth = 8, int colour = 0, int interlace = 0)
    {
        var data = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(data, width);
        BinaryPrimitives.WriteInt32BigEndian(data.AsSpan(4), height);
        (data[8], data[9], data[12]) = ((byte)depth, (byte)colour, (byte)interlace);
        return ("IHDR", data);
    }

    /// <summary>IDAT of rows with their filter bytes.</summary>
    public static (string, byte[]) Data(params byte[] rows) => ("IDAT", Deflate(rows));

    /// <summary>IEND.</summary>
    public static (string, byte[]) End => ("IEND", []);

    /// <summary>A zlib stream.</summary>
    public static byte[] Deflate(byte[] bytes)
    {
        using var compressed = new MemoryStream();
        using (var deflater = new ZLibStream(compressed, CompressionLevel.Optimal, leaveOpen: true)) deflater.Write(bytes);
        return compressed.ToArray();
    }

    /// <summary>Sets every checksum of a file right, as far as its lengths make sense.</summary>
    public static void SealAll(byte[] file)
    {
        for (var offset = 8; offset + 12 <= file.Length;)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(offset));
            if (length > file.Length - offset - 12) return;
            Seal(file.AsSpan(offset, 12 + (int)length));
            offset += 12 + (int)length;
        }
    }

    static void Seal(Span<byte> chunk) =>
        BinaryPrimitives.WriteUInt32BigEndian(chunk[^4..], Crc32.Append(0, chunk[4..^4]));
}
