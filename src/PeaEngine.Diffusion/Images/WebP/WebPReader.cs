using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace PeaEngine.Diffusion.Images;

/// <summary>Reads still WebP pictures, lossy or lossless, through <see cref="LibWebP"/>. Files are not trusted: a large size wants a large file.</summary>
static class WebPReader
{
    const int ChunksOffset = 12, ChunkHeaderBytes = 8;

    /// <summary>Bit of VP8X that says that pictures move.</summary>
    const byte Animation = 2;

    /// <summary>A picture of one colour takes a few dozen bytes: up to so many pixels it is believed, beyond that by the file's length.</summary>
    const long BelievedPixels = 1 << 24, PixelsOfByte = 1 << 12;

    /// <summary>Whether a file is a WebP.</summary>
    public static bool Begins(ReadOnlySpan<byte> file) => file.Length >= ChunksOffset && file.StartsWith("RIFF"u8) && file[8..].StartsWith("WEBP"u8);

    /// <summary>Reads the bytes of a file that <see cref="Begins"/> as colour, without its alpha; <paramref name="name"/> is for messages.</summary>
    /// <exception cref="PeaException">The library is absent, or the file is damaged or animated.</exception>
    public static PixelImage Read(ReadOnlySpan<byte> file, string name, LibWebP? library)
    {
        var (width, height) = ReadSize(file, name, library);
        if ((long)width * height is var pixels && pixels > BelievedPixels && pixels > PixelsOfByte * file.Length)
            throw new PeaException($"{name}: {file.Length} bytes, too few for {width}x{height}: the file is truncated or damaged");
        var image = new PixelImage(width, height);
        if (!library.Decode(file, image.Pixels, width)) throw new PeaException($"{name}: libwebp cannot decode it: the file is truncated or damaged");
        image.Orientation = Exif.Read(Chunk(file, "EXIF"u8))?.Orientation ?? 1;
        return image;
    }

    /// <summary>The width and height of the bytes of a file that <see cref="Begins"/>.</summary>
    /// <exception cref="PeaException">The library is absent, or the file is damaged at the beginning, cut off or animated.</exception>
    public static (int Width, int Height) ReadSize(ReadOnlySpan<byte> file, string name, [NotNull] LibWebP? library)
    {
        if (library == null)
            throw new PeaException($"{name}: a WebP, which is read with libwebp, and that is not there: install it (Debian: libwebp7, Homebrew: webp, Windows: libwebp.dll on the path) or give a PNG, JPEG or BMP");
        if (BinaryPrimitives.ReadUInt32LittleEndian(file[4..]) + 8L is var length && length > file.Length)
            throw new PeaException($"{name}: a WebP of {length} bytes, the file has {file.Length}: it is truncated");
        if (Chunk(file, "VP8X"u8) is [var flags, ..] && (flags & Animation) != 0) throw new PeaException($"{name}: an animated WebP, expected a still picture");
        if (library.Size(file) is not var (width, height)) throw new PeaException($"{name}: libwebp finds no picture: the file is damaged");
        PixelImage.CheckSize(name, width, height);
        return (width, height);
    }

    /// <summary>The first chunk of a type, or nothing.</summary>
    static ReadOnlySpan<byte> Chunk(ReadOnlySpan<byte> file, ReadOnlySpan<byte> type)
    {
        for (long offset = ChunksOffset; offset + ChunkHeaderBytes <= file.Length;)
        {
            var chunk = file[(int)offset..];
            var bytes = BinaryPrimitives.ReadUInt32LittleEndian(chunk[4..]);
            if (bytes > chunk.Length - ChunkHeaderBytes) break;
            if (chunk.StartsWith(type)) return chunk.Slice(ChunkHeaderBytes, (int)bytes);
            // A chunk is filled up to an even length.
            offset += ChunkHeaderBytes + bytes + (bytes & 1);
        }
        return [];
    }
}
