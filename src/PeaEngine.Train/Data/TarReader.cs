namespace PeaEngine.Train.Data;

/// <summary>An entry of a tar file.</summary>
/// <param name="Offset">The byte of the first block that is about it, an extended header's if it has one.</param>
/// <param name="Name">Its path.</param>
/// <param name="Size">Its bytes of data.</param>
/// <param name="IsFile">Whether it is a file, not a folder, a link or a device.</param>
readonly record struct TarEntry(long Offset, string Name, long Size, bool IsFile);

/// <summary>
/// Reads a tar file (ustar, pax, GNU's long names) from its beginning or from any entry on, in one pass and without seeking. Files are not
/// trusted: sizes are checked, and no more is allocated than twice what was read.
/// </summary>
/// <param name="stream">Stands at <paramref name="offset"/>.</param>
/// <param name="shard">The file or URL, for messages.</param>
/// <param name="offset">The byte at which an entry begins.</param>
sealed class TarReader(Stream stream, string shard, long offset)
{
    /// <summary>More than a header's extension needs, and than a file of a sample has.</summary>
    const int MaxExtensionBytes = 1 << 20, MaxFileBytes = 1 << 28;

    const int PieceBytes = 1 << 16;

    readonly byte[] block = new byte[TarHeader.BlockBytes];
    byte[]? piece;
    long position = offset, dataEnd = offset, next = offset;

    /// <summary>The next entry, or null at the end of the archive, which its writer must have marked: a file that was cut off between two entries has no mark.</summary>
    /// <exception cref="ShardException">The archive is damaged or ends early.</exception>
    public TarEntry? Next()
    {
        string? name = null;
        long? size = null;
        long? first = null;
        while (true)
        {
            SkipTo(next);
            var at = position;
            ReadExactly(block, "where a header or the end of the archive is expected");
            if (block.AsSpan().IndexOfAnyExcept((byte)0) < 0)
                return first == null ? null : throw new ShardException(shard, at, "the archive ends after the extension of a header");
            try
            {
                var header = TarHeader.Parse(block);
                SetData(header.Size);
                first ??= at;
                switch (header.Type)
                {
                    case 'x':
                        var pax = PaxRecords.Parse(ReadExtension(header));
                        (name, size) = (pax.Path ?? name, pax.Size ?? size);
                        break;
                    case 'g':
                        _ = PaxRecords.Parse(ReadExtension(header));
                        break;
                    case 'L':
                        name = TarHeader.Text(ReadExtension(header));
                        break;
                    case 'K':
                        break;
                    default:
                        if (size is { } bytes && header.IsFile) SetData(bytes);
                        return new(first.Value, name ?? header.Name, dataEnd - position, header.IsFile);
                }
            }
            catch (FormatException exception)
            {
                throw new ShardException(shard, at, exception.Message, exception);
            }
        }
    }

    /// <summary>The data of the entry that <see cref="Next"/> gave last.</summary>
    /// <exception cref="ShardException">It is cut off, or larger than any file of a sample.</exception>
    public byte[] ReadData(TarEntry entry)
    {
        if (entry.Size > MaxFileBytes) throw new ShardException(shard, entry.Offset, $"{Formats.Quoted.Of(entry.Name)} has {entry.Size} bytes, expected at most {MaxFileBytes}");
        // What the header claims is believed as far as the data goes.
        var data = new byte[Math.Min(entry.Size, PieceBytes)];
        for (var filled = 0; ;)
        {
            filled += ReadSome(data.AsSpan(filled), $"within {Formats.Quoted.Of(entry.Name)}");
            if (filled == entry.Size) return data;
            if (filled == data.Length) Array.Resize(ref data, (int)Math.Min(entry.Size, 2L * data.Length));
        }
    }

    void SetData(long bytes)
    {
        dataEnd = position + bytes;
        next = position + (bytes + TarHeader.BlockBytes - 1) / TarHeader.BlockBytes * TarHeader.BlockBytes;
    }

    byte[] ReadExtension(TarHeader header)
    {
        if (header.Size > MaxExtensionBytes) throw new FormatException($"the extension of a header has {header.Size} bytes, expected at most {MaxExtensionBytes}");
        var data = new byte[header.Size];
        ReadExactly(data, "within the extension of a header");
        return data;
    }

    void SkipTo(long target)
    {
        piece ??= new byte[PieceBytes];
        while (position < target) ReadSome(piece.AsSpan(0, (int)Math.Min(piece.Length, target - position)), "within an entry");
    }

    void ReadExactly(Span<byte> destination, string where)
    {
        while (!destination.IsEmpty) destination = destination[ReadSome(destination, where)..];
    }

    int ReadSome(Span<byte> destination, string where)
    {
        if (destination.IsEmpty) return 0;
        try
        {
            var count = stream.Read(destination);
            if (count == 0) throw new ShardException(shard, position, $"the file ends here, {where}: it is cut off");
            position += count;
            return count;
        }
        catch (IOException exception)
        {
            throw new ShardException(shard, position, $"cannot be read: {exception.Message.ReplaceLineEndings(" ")}", exception);
        }
    }
}
