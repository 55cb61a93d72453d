using System.Buffers.Binary;
using System.Text;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Images;

/// <summary>
/// Reads PNG files: every colour type and depth, interlaced or not. Files are not trusted: checksums hold, and nothing is allocated by a
/// size that the file's own length does not allow.
/// </summary>
static class PngReader
{
    /// <summary>How every PNG begins.</summary>
    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0d, 0x0a, 0x1a, 0x0a];

    /// <summary>The width and height of IHDR.</summary>
    /// <exception cref="PeaException">It is damaged or not the first chunk.</exception>
    public static (int Width, int Height) ReadSize(ReadOnlyMemory<byte> file, string name)
    {
        var offset = Signature.Length;
        var (type, chunk) = NextChunk(file, ref offset, name);
        if (type != "IHDR") throw new PeaException($"{name}: chunk {type}, expected IHDR once and as the first");
        var header = PngHeader.Parse(chunk.Span, name);
        return (header.Width, header.Height);
    }

    /// <summary>Reads the bytes of a file that begins with <see cref="Signature"/> as colour; <paramref name="name"/> is for messages.</summary>
    /// <exception cref="PeaException">It is damaged.</exception>
    public static PixelImage Read(ReadOnlyMemory<byte> file, string name)
    {
        PngHeader? header = null;
        ReadOnlyMemory<byte> palette = default;
        var data = new List<ReadOnlyMemory<byte>>();
        var texts = new List<PictureText>();
        var textBudget = PngTextChunk.MaxBytes;
        var orientation = 1;
        var previous = "";
        for (var offset = Signature.Length; ;)
        {
            var (type, chunk) = NextChunk(file, ref offset, name);
            if (header is null != (type == "IHDR"))
                throw new PeaException($"{name}: chunk {type}, expected IHDR once and as the first");
            switch (type)
            {
                case "IHDR":
                    header = PngHeader.Parse(chunk.Span, name);
                    break;
                case "PLTE":
                    if (data.Count > 0 || !palette.IsEmpty || chunk.Length == 0 || chunk.Length % 3 != 0 || chunk.Length > 768)
                        throw new PeaException($"{name}: a palette of {chunk.Length} bytes, expected one of 1 to 256 colours before the image data");
                    palette = chunk;
                    break;
                case "IDAT":
                    if (data.Count > 0 && previous != "IDAT")
                        throw new PeaException($"{name}: {previous} within the image data, expected IDAT chunks in a row");
                    data.Add(chunk);
                    break;
                case "IEND":
                    var image = PngPixels.Decode(header!.Value, palette.Span, data, name);
                    (image.Texts, image.Orientation) = (texts, orientation);
                    return image;
                case "eXIf":
                    orientation = Exif.Read(chunk.Span)?.Orientation ?? 1;
                    break;
                default:
                    // A lower-case first letter says that a decoder may ignore the chunk.
                    if (char.IsAsciiLetterUpper(type[0])) throw new PeaException($"{name}: chunk {type}, expected one that PNG has");
                    if (PngTextChunk.Is(type)) texts.Add(PngTextChunk.Read(type, chunk.Span, name, ref textBudget));
                    break;
            }
            previous = type;
        }
    }

    static (string Type, ReadOnlyMemory<byte> Data) NextChunk(ReadOnlyMemory<byte> file, ref int offset, string name)
    {
        var rest = file[offset..];
        if (rest.Length < 12) throw new PeaException($"{name}: ends at byte {file.Length} without IEND, expected more: the file is truncated");
        var length = BinaryPrimitives.ReadUInt32BigEndian(rest.Span);
        var typeBytes = rest.Span.Slice(4, 4);
        foreach (var letter in typeBytes)
            if (!char.IsAsciiLetter((char)letter)) throw new PeaException($"{name}: at byte {offset} no chunk begins, expected a type of four letters");
        var type = Encoding.ASCII.GetString(typeBytes);
        if (length > rest.Length - 12)
            throw new PeaException($"{name}: {type} at byte {offset} has {length} bytes, the file only {rest.Length - 12} more: it is truncated");
        var data = rest.Slice(8, (int)length);
        var (stored, computed) = (BinaryPrimitives.ReadUInt32BigEndian(rest.Span[(8 + (int)length)..]), Crc32.Append(0, rest.Span.Slice(4, 4 + (int)length)));
        if (stored != computed) throw new PeaException($"{name}: {type} at byte {offset} has checksum {stored:x8}, expected {computed:x8}: the file is damaged");
        offset += 12 + (int)length;
        return (type, data);
    }
}
