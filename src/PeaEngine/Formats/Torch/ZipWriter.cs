using System.Text;

namespace PeaEngine.Formats;

/// <summary>
/// Writes a zip archive as torch lays it out: files are stored as they are, each from a multiple of 64 bytes on, and their sizes and checksums follow them. It has
/// no 64-bit extension, and nothing in it depends on the time.
/// </summary>
/// <remarks>PKWARE's APPNOTE.TXT, section 4.3; torch's caffe2/serialize/inline_container.cc.</remarks>
sealed class ZipWriter(BinaryWriter writer)
{
    /// <summary>More than a file with a name of at most 60 bytes takes in the archive besides its bytes.</summary>
    public const int BytesBeside = 320;

    const uint LocalSignature = 0x04034b50, DescriptorSignature = 0x08074b50, CentralSignature = 0x02014b50, EndSignature = 0x06054b50;
    const int Alignment = 64, LocalBytes = 30, DescriptorBytes = 16, ExtraHeaderBytes = 4;

    /// <summary>The name is UTF-8, and the sizes follow the file.</summary>
    const ushort Flags = 0x808;

    /// <summary>torch's extra field of padding, "FB".</summary>
    const ushort PaddingField = 0x4246;

    readonly List<(byte[] Name, uint Crc, uint Bytes, uint Position)> entries = [];
    long position;

    /// <summary>Adds a file.</summary>
    /// <exception cref="OverflowException">The archive has more than 4 GiB.</exception>
    public void Add(string name, params IEnumerable<ReadOnlyMemory<byte>> content)
    {
        var (start, encoded) = (checked((uint)position), Encoding.UTF8.GetBytes(name));
        var begin = position + LocalBytes + encoded.Length + ExtraHeaderBytes;
        var padding = (int)(-begin & (Alignment - 1));
        writer.Write(LocalSignature);
        Header(0, 0, encoded.Length, ExtraHeaderBytes + padding);
        writer.Write(encoded);
        writer.Write(PaddingField);
        writer.Write((ushort)padding);
        for (var i = 0; i < padding; i++) writer.Write((byte)'Z');
        uint crc = 0, bytes = 0;
        foreach (var piece in content)
        {
            crc = Crc32.Append(crc, piece.Span);
            bytes = checked(bytes + (uint)piece.Length);
            writer.Write(piece.Span);
        }
        writer.Write(DescriptorSignature);
        writer.Write(crc);
        writer.Write(bytes);
        writer.Write(bytes);
        entries.Add((encoded, crc, bytes, start));
        position = begin + padding + bytes + DescriptorBytes;
    }

    /// <summary>Writes the directory, with which the archive ends.</summary>
    /// <exception cref="OverflowException">The archive has more than 4 GiB, or more than 65535 files.</exception>
    public void End()
    {
        var (start, count, directoryBytes) = (checked((uint)position), checked((ushort)entries.Count), 0u);
        foreach (var (name, crc, bytes, place) in entries)
        {
            writer.Write(CentralSignature);
            writer.Write((ushort)0);
            Header(crc, bytes, name.Length, 0);
            // Comment, disk, attributes of both kinds.
            writer.Write(new byte[10]);
            writer.Write(place);
            writer.Write(name);
            directoryBytes = checked(directoryBytes + (uint)(46 + name.Length));
        }
        writer.Write(EndSignature);
        writer.Write(0u);
        writer.Write(count);
        writer.Write(count);
        writer.Write(directoryBytes);
        writer.Write(start);
        writer.Write((ushort)0);
        writer.Flush();
    }

    /// <summary>What a file's own header and the directory's have in common: version, flags, method and time, checksum, sizes, lengths.</summary>
    void Header(uint crc, uint bytes, int nameBytes, int extraBytes)
    {
        writer.Write((ushort)0);
        writer.Write(Flags);
        writer.Write(new byte[6]);
        writer.Write(crc);
        writer.Write(bytes);
        writer.Write(bytes);
        writer.Write(checked((ushort)nameBytes));
        writer.Write((ushort)extraBytes);
    }
}
