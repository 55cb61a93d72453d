using System.Buffers.Binary;
using System.Text;

namespace PeaEngine.Diffusion.Images;

/// <summary>What the engine takes from EXIF data and puts there.</summary>
/// <param name="Orientation">1 to 8; see <see cref="PixelImage.Orientation"/>.</param>
/// <param name="Comment">The user comment, or null.</param>
readonly record struct Exif(int Orientation, string? Comment)
{
    const int OrientationTag = 0x0112, ExifTag = 0x8769, CommentTag = 0x9286, EntryBytes = 12;

    static ReadOnlySpan<byte> Prefix => "Exif\0\0"u8;

    /// <summary>
    /// Reads EXIF data with or without the beginning that it has in a JPEG; null if it is something else. What is damaged counts as
    /// absent: the pixels do not depend on it.
    /// </summary>
    public static Exif? Read(ReadOnlySpan<byte> data)
    {
        if (data.StartsWith(Prefix)) data = data[Prefix.Length..];
        if (!data.StartsWith("II*\0"u8) && !data.StartsWith("MM\0*"u8)) return null;
        var tiff = new Tiff(data, data[0] == 'M');
        var main = tiff.Number(4, 4);
        var orientation = tiff.Find(main, OrientationTag) is { Type: 3, Count: 1 } entry ? tiff.Number(entry.Value, 2) : 1;
        var comment = tiff.Find(main, ExifTag) is { Type: 4, Count: 1 } pointer && tiff.Find(tiff.Number(pointer.Value, 4), CommentTag) is { Type: 7 } text ? tiff.Comment(text) : null;
        return new(orientation is >= 1 and <= 8 ? (int)orientation : 1, comment);
    }

    /// <summary>The data as a JPEG stores it; empty if there is nothing to say.</summary>
    public byte[] ToJpeg() => this is { Orientation: 1, Comment: null } ? [] : [.. Prefix, .. ToTiff()];

    /// <summary>The data as PNG's eXIf stores it. The comment is UTF-16 with the high byte first, as A1111 writes it.</summary>
    public byte[] ToTiff()
    {
        byte[] comment = Comment == null ? [] : [.. "UNICODE\0"u8, .. Encoding.BigEndianUnicode.GetBytes(Comment)];
        using var tiff = new MemoryStream();
        tiff.Write("MM\0*"u8);
        Write(tiff, 4, 8);
        Write(tiff, 2, Comment == null ? 1 : 2);
        // A short value is at the beginning of its field.
        WriteEntry(tiff, OrientationTag, 3, 1, Orientation << 16);
        if (Comment != null)
        {
            const int Next = 8 + 2 + 2 * EntryBytes + 4;
            WriteEntry(tiff, ExifTag, 4, 1, Next);
            Write(tiff, 4, 0);
            Write(tiff, 2, 1);
            WriteEntry(tiff, CommentTag, 7, comment.Length, Next + 2 + EntryBytes + 4);
        }
        Write(tiff, 4, 0);
        tiff.Write(comment);
        return tiff.ToArray();
    }

    static void WriteEntry(MemoryStream tiff, int tag, int type, int count, int value)
    {
        Write(tiff, 2, tag);
        Write(tiff, 2, type);
        Write(tiff, 4, count);
        Write(tiff, 4, value);
    }

    static void Write(MemoryStream tiff, int bytes, int value)
    {
        for (var shift = 8 * (bytes - 1); shift >= 0; shift -= 8) tiff.WriteByte((byte)(value >> shift));
    }

    /// <summary>A field of a directory; Value is where the field's value or, of more than four bytes, its place is.</summary>
    readonly record struct Entry(long Type, long Count, long Value);

    /// <summary>The file inside; what lies beyond its end reads as zero.</summary>
    readonly ref struct Tiff(ReadOnlySpan<byte> data, bool isBigEndian)
    {
        readonly ReadOnlySpan<byte> data = data;

        public long Number(long offset, int bytes)
        {
            if (offset + bytes > data.Length) return 0;
            var value = data.Slice((int)offset, bytes);
            if (bytes == 2) return isBigEndian ? BinaryPrimitives.ReadUInt16BigEndian(value) : BinaryPrimitives.ReadUInt16LittleEndian(value);
            return isBigEndian ? BinaryPrimitives.ReadUInt32BigEndian(value) : BinaryPrimitives.ReadUInt32LittleEndian(value);
        }

        public Entry? Find(long directory, int tag)
        {
            var count = Number(directory, 2);
            for (var i = 0; i < count; i++)
            {
                var at = directory + 2 + EntryBytes * i;
                if (Number(at, 2) == tag) return new(Number(at + 2, 2), Number(at + 4, 4), at + 8);
            }
            return null;
        }

        public string? Comment(Entry entry)
        {
            var offset = entry.Count > 4 ? Number(entry.Value, 4) : entry.Value;
            if (entry.Count < 8 || offset + entry.Count > data.Length) return null;
            var kind = data.Slice((int)offset, 8);
            var text = data.Slice((int)offset + 8, (int)entry.Count - 8);
            if (kind.SequenceEqual("UNICODE\0"u8)) return (isBigEndian ? Encoding.BigEndianUnicode : Encoding.Unicode).GetString(text);
            return kind.SequenceEqual("ASCII\0\0\0"u8) ? Encoding.Latin1.GetString(text.TrimEnd((byte)0)) : null;
        }
    }
}
