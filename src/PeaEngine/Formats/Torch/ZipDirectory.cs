using System.Buffers.Binary;
using System.Text;

namespace PeaEngine.Formats;

/// <summary>Where a file inside an archive lies.</summary>
/// <param name="Position">The place of its first byte in the archive.</param>
/// <param name="Bytes">Its size.</param>
readonly record struct ZipEntry(long Position, long Bytes);

/// <summary>The directory of a zip archive whose files are stored as they are, as torch writes it, with the 64-bit extension.</summary>
/// <remarks>PKWARE's APPNOTE.TXT, sections 4.3 and 4.5.3.</remarks>
static class ZipDirectory
{
    const uint LocalSignature = 0x04034b50, CentralSignature = 0x02014b50, EndSignature = 0x06054b50, End64Signature = 0x06064b50, Locator64Signature = 0x07064b50;
    const int LocalBytes = 30, CentralBytes = 46, EndBytes = 22, End64Bytes = 56, Locator64Bytes = 20, MaxCommentBytes = ushort.MaxValue;
    const ushort Extra64 = 1, IsEncrypted = 1;

    /// <summary>The first bytes of every archive that is not empty.</summary>
    public static ReadOnlySpan<byte> Beginning => "PK\x3\x4"u8;

    /// <summary>The files by name; folders are left out.</summary>
    /// <exception cref="PeaException">The directory is missing or broken, or a file is compressed, encrypted or outside the archive.</exception>
    public static Dictionary<string, ZipEntry> Read(RandomAccessFile file)
    {
        var (position, bytes, count) = FindDirectory(file);
        if (position < 0 || bytes < 0 || bytes > Array.MaxLength || position > file.Length - bytes || count < 0 || count > bytes / CentralBytes)
            throw Broken(file, $"a directory of {count} files in {bytes} bytes from byte {position} on, expected it within the file's {file.Length}");
        var directory = new byte[bytes];
        file.Read(position, directory);
        var entries = new Dictionary<string, ZipEntry>();
        ReadOnlySpan<byte> rest = directory;
        for (; count > 0; count--)
        {
            var (name, entry, length) = ReadEntry(file, rest);
            if (!name.EndsWith('/') && !entries.TryAdd(name, entry)) throw Broken(file, $"{Quoted.Of(name)} twice, expected every name once");
            rest = rest[length..];
        }
        return entries;
    }

    /// <summary>The end record is the last thing in the file but for a comment.</summary>
    static (long Position, long Bytes, long Count) FindDirectory(RandomAccessFile file)
    {
        var tailBytes = (int)Math.Min(file.Length, EndBytes + MaxCommentBytes);
        var tail = new byte[tailBytes];
        file.Read(file.Length - tailBytes, tail);
        for (var at = tailBytes - EndBytes; at >= 0; at--)
        {
            ReadOnlySpan<byte> end = tail.AsSpan(at);
            if (U32(end, 0) != EndSignature || U16(end, 20) != end.Length - EndBytes) continue;
            var (count, bytes, position) = (U16(end, 10), U32(end, 12), U32(end, 16));
            var isWide = count == ushort.MaxValue || bytes == uint.MaxValue || position == uint.MaxValue;
            return isWide && FindDirectory64(file, file.Length - tailBytes + at) is { } wide ? wide : (position, bytes, count);
        }
        throw Broken(file, "no directory at the end, expected one: the file is cut short");
    }

    static (long Position, long Bytes, long Count)? FindDirectory64(RandomAccessFile file, long endPosition)
    {
        if (endPosition < Locator64Bytes) return null;
        Span<byte> locator = stackalloc byte[Locator64Bytes];
        file.Read(endPosition - Locator64Bytes, locator);
        if (U32(locator, 0) != Locator64Signature) return null;
        var position = I64(locator, 8);
        if (position < 0 || position > endPosition - End64Bytes) throw Broken(file, $"an end record at byte {position}, expected it within the file");
        Span<byte> end = stackalloc byte[End64Bytes];
        file.Read(position, end);
        if (U32(end, 0) != End64Signature) throw Broken(file, $"no end record at byte {position}, expected one");
        return (I64(end, 48), I64(end, 40), I64(end, 32));
    }

    static (string Name, ZipEntry Entry, int Length) ReadEntry(RandomAccessFile file, ReadOnlySpan<byte> directory)
    {
        if (directory.Length < CentralBytes || U32(directory, 0) != CentralSignature) throw Broken(file, "a directory that ends early, expected another file in it");
        int nameBytes = U16(directory, 28), extraBytes = U16(directory, 30), length = CentralBytes + nameBytes + extraBytes + U16(directory, 32);
        if (length > directory.Length) throw Broken(file, "a directory that ends early, expected another file in it");
        var name = Encoding.UTF8.GetString(directory.Slice(CentralBytes, nameBytes));
        if ((U16(directory, 8) & IsEncrypted) != 0 || U16(directory, 10) != 0)
            throw Broken(file, $"{Quoted.Of(name)} is compressed or encrypted, expected it stored, as torch does");
        long stored = U32(directory, 20), bytes = U32(directory, 24), position = U32(directory, 42);
        Widen(directory.Slice(CentralBytes + nameBytes, extraBytes), ref bytes, ref stored, ref position);
        if (bytes != stored) throw Broken(file, $"{Quoted.Of(name)} has {bytes} bytes stored in {stored}, expected as many");
        return (name, Locate(file, name, position, bytes), length);
    }

    /// <summary>The 64-bit extension has those of the three numbers that are full in the record, in this order.</summary>
    static void Widen(ReadOnlySpan<byte> extra, ref long bytes, ref long stored, ref long position)
    {
        while (extra.Length >= 4)
        {
            var size = Math.Min(U16(extra, 2), extra.Length - 4);
            var field = extra.Slice(4, size);
            if (U16(extra, 0) == Extra64)
            {
                Take(ref bytes, ref field);
                Take(ref stored, ref field);
                Take(ref position, ref field);
                return;
            }
            extra = extra[(4 + size)..];
        }

        static void Take(ref long number, ref ReadOnlySpan<byte> field)
        {
            if (number != uint.MaxValue || field.Length < 8) return;
            number = I64(field, 0);
            field = field[8..];
        }
    }

    /// <summary>The file's own header is before its bytes, and may be longer than the directory says: torch aligns the bytes with it.</summary>
    static ZipEntry Locate(RandomAccessFile file, string name, long position, long bytes)
    {
        if (position < 0 || position > file.Length - LocalBytes) throw Outside();
        Span<byte> header = stackalloc byte[LocalBytes];
        file.Read(position, header);
        if (U32(header, 0) != LocalSignature) throw Broken(file, $"no header of {Quoted.Of(name)} at byte {position}, expected one");
        var start = position + LocalBytes + U16(header, 26) + U16(header, 28);
        return bytes >= 0 && start <= file.Length - bytes ? new ZipEntry(start, bytes) : throw Outside();

        PeaException Outside() => Broken(file, $"{Quoted.Of(name)}, {bytes} bytes from byte {position} on, expected it within the file's {file.Length}");
    }

    static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    static long I64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);

    static PeaException Broken(RandomAccessFile file, string detail) => new($"{file.Path}: a broken zip archive: {detail}");
}
