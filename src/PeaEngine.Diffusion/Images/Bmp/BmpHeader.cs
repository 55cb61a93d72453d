using System.Buffers.Binary;
using System.Numerics;

namespace PeaEngine.Diffusion.Images;

/// <summary>How the pixels of a BMP are stored.</summary>
enum BmpCompression { None = 0, Rle8 = 1, Rle4 = 2, Bitfields = 3, AlphaBitfields = 6 }

/// <summary>The bits of a pixel that are one colour.</summary>
readonly record struct BmpMask(int Shift, int Max)
{
    /// <summary>The mask of a run of ones; nothing is black.</summary>
    public static BmpMask Of(uint bits) => bits == 0 ? new(0, 0) : new(BitOperations.TrailingZeroCount(bits), (int)(bits >> BitOperations.TrailingZeroCount(bits)));

    /// <summary>A pixel's value of this colour, spread over 0 to 255 and rounded down as Pillow rounds.</summary>
    public byte Of(long pixel) => Max == 0 ? (byte)0 : (byte)(((pixel >> Shift) & Max) * 255 / Max);
}

/// <summary>What a BMP's header says, checked.</summary>
readonly record struct BmpHeader(int Width, int Height, bool IsTopDown, int Bits, BmpCompression Compression, BmpMask Red, BmpMask Green, BmpMask Blue, int PaletteOffset, int PaletteStep, int Colours, int DataOffset)
{
    const int FileHeaderBytes = 14, CoreBytes = 12, InfoBytes = 40, Os2Bytes = 64;

    /// <summary>The bytes of a row that is not compressed.</summary>
    public long RowBytes => ((long)Width * Bits + 31) / 32 * 4;

    /// <summary>Reads the beginning of a file.</summary>
    /// <exception cref="PeaException">It ends early, has a value that the format does not have, or a picture too large.</exception>
    public static BmpHeader Parse(ReadOnlySpan<byte> file, string name)
    {
        const int SizeEnd = FileHeaderBytes + 4;
        var bytes = file.Length < SizeEnd ? CoreBytes : BinaryPrimitives.ReadInt32LittleEndian(file[FileHeaderBytes..]);
        if (bytes is not (CoreBytes or InfoBytes or 52 or 56 or Os2Bytes or 108 or 124)) throw new PeaException($"{name}: a BMP header of {bytes} bytes, expected 12, 40, 52, 56, 64, 108 or 124");
        if (file.Length < FileHeaderBytes + bytes) throw new PeaException($"{name}: ends at byte {file.Length} within the header: the file is truncated");
        var header = file[FileHeaderBytes..];
        var isCore = bytes == CoreBytes;
        long width = isCore ? BinaryPrimitives.ReadUInt16LittleEndian(header[4..]) : BinaryPrimitives.ReadInt32LittleEndian(header[4..]);
        long height = isCore ? BinaryPrimitives.ReadUInt16LittleEndian(header[6..]) : BinaryPrimitives.ReadInt32LittleEndian(header[8..]);
        PixelImage.CheckSize(name, width, Math.Abs(height));
        int bits = BinaryPrimitives.ReadUInt16LittleEndian(header[(isCore ? 10 : 14)..]);
        var compression = isCore ? BmpCompression.None : (BmpCompression)BinaryPrimitives.ReadInt32LittleEndian(header[16..]);
        var known = compression switch
        {
            BmpCompression.None => bits is 1 or 4 or 8 or 16 or 24 or 32,
            BmpCompression.Rle8 => bits == 8,
            BmpCompression.Rle4 => bits == 4,
            BmpCompression.Bitfields or BmpCompression.AlphaBitfields => bits is 16 or 24 or 32 && bytes != Os2Bytes,
            _ => false,
        };
        if (!known) throw new PeaException($"{name}: a BMP of {bits} bits with compression {(int)compression}, expected 1, 4, 8, 16, 24 or 32, and none, RLE or bit fields");

        // After the oldest of the longer headers the masks follow, in the others they are at the same place.
        var end = FileHeaderBytes + bytes;
        var (red, green, blue) = bits == 16 ? (0x7c00u, 0x3e0u, 0x1fu) : (0xff0000u, 0xff00u, 0xffu);
        if (compression is BmpCompression.Bitfields or BmpCompression.AlphaBitfields)
        {
            if (bytes == InfoBytes) end += compression == BmpCompression.Bitfields ? 12 : 16;
            if (file.Length < end) throw new PeaException($"{name}: ends at byte {file.Length} within the bit masks: the file is truncated");
            var masks = header[InfoBytes..];
            var given = (Red: Mask(masks, bits, name), Green: Mask(masks[4..], bits, name), Blue: Mask(masks[8..], bits, name));
            if (given != (0, 0, 0)) (red, green, blue) = given;
        }
        var colours = isCore ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(header[32..]);
        var most = bits <= 8 ? 1u << bits : 0;
        if (colours == 0 || colours > most) colours = most;
        var step = isCore ? 3 : 4;
        var offset = (long)BinaryPrimitives.ReadUInt32LittleEndian(file[10..]);
        if (offset == 0) offset = end + colours * step;
        if (offset > end) colours = (uint)Math.Min(colours, (offset - end) / step);
        if (offset > file.Length || end + colours * step > file.Length) throw new PeaException($"{name}: ends at byte {file.Length} before the pixels, expected them at {offset}: the file is truncated");
        return new((int)width, (int)Math.Abs(height), height < 0, bits, compression, BmpMask.Of(red), BmpMask.Of(green), BmpMask.Of(blue), end, step, (int)colours, (int)offset);
    }

    static uint Mask(ReadOnlySpan<byte> bytes, int bits, string name)
    {
        var mask = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        var run = mask >> BitOperations.TrailingZeroCount(mask);
        if ((run & (run + 1)) != 0 || run > ushort.MaxValue || (ulong)mask >> bits != 0) throw new PeaException($"{name}: bit mask {mask:x}, expected up to 16 ones in a row within {bits} bits");
        return mask;
    }
}
