using System.Buffers.Binary;

namespace PeaEngine.Tests.Images;

/// <summary>BMP files made field by field.</summary>
static class BmpFiles
{
    /// <summary>A file with a header of <paramref name="headerBytes"/>; masks are part of it or follow it, as its size says.</summary>
    public static byte[] Of(int width, int height, int bits, byte[] pixels, int compression = 0, byte[]? palette = null, uint[]? masks = null, int headerBytes = 40, int colours = 0)
    {
        byte[] fields = headerBytes == 12
            ? [.. Bytes(2, width), .. Bytes(2, height), .. Bytes(2, 1), .. Bytes(2, bits)]
            : [.. Bytes(4, width), .. Bytes(4, height), .. Bytes(2, 1), .. Bytes(2, bits), .. Bytes(4, compression), .. Bytes(4, pixels.Length), .. new byte[8], .. Bytes(4, colours), .. Bytes(4, 0)];
        byte[] header = [.. Bytes(4, headerBytes), .. fields, .. (masks ?? []).SelectMany(mask => Bytes(4, (int)mask))];
        if (header.Length < headerBytes) header = [.. header, .. new byte[headerBytes - header.Length]];
        var offset = 14 + header.Length + (palette?.Length ?? 0);
        return [.. "BM"u8, .. Bytes(4, offset + pixels.Length), .. new byte[4], .. Bytes(4, offset), .. header, .. palette ?? [], .. pixels];
    }

    /// <summary>A number, its low byte first.</summary>
    public static byte[] Bytes(int count, int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return bytes[..count];
    }
}
