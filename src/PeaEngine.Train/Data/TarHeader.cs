using System.Globalization;
using System.Text;

namespace PeaEngine.Train.Data;

/// <summary>A header block of a tar file, checked: POSIX ustar, GNU and the older form.</summary>
/// <param name="Name">The path, the prefix before it.</param>
/// <param name="Size">Bytes of data that follow; 0 for what has none.</param>
/// <param name="Type">The type flag.</param>
readonly record struct TarHeader(string Name, long Size, char Type)
{
    /// <summary>Everything in a tar file is in blocks of so many bytes.</summary>
    public const int BlockBytes = 512;

    /// <summary>More than any archive has, so that no sum of an offset and a size overflows.</summary>
    public const long MaxSize = 1L << 60;

    const int SizeOffset = 124, ChecksumOffset = 148, TypeOffset = 156, MagicOffset = 257, PrefixOffset = 345;

    /// <summary>Whether the entry is a file with data.</summary>
    public bool IsFile => Type is '0' or '\0' or '7' && !Name.EndsWith('/');

    /// <summary>Reads a block.</summary>
    /// <exception cref="FormatException">It is no header: says why.</exception>
    public static TarHeader Parse(ReadOnlySpan<byte> block)
    {
        CheckSum(block);
        var type = (char)block[TypeOffset];
        var size = Number(block.Slice(SizeOffset, 12)) ?? throw new FormatException("the size of an entry is no number");
        if (size is < 0 or > MaxSize) throw new FormatException($"an entry of {size} bytes, expected 0 to {MaxSize}");
        if (type == 'S') throw new FormatException("a sparse file, expected files that are stored whole");
        // Links, devices, folders and pipes have no data, whatever their size says.
        if (type is >= '1' and <= '6') size = 0;
        var name = Text(block[..100]);
        // GNU's magic is followed by blanks, and it keeps times where POSIX has the prefix.
        if (block[MagicOffset..].StartsWith("ustar\0"u8) && Text(block.Slice(PrefixOffset, 155)) is { Length: > 0 } prefix) name = $"{prefix}/{name}";
        return new(name, size, type);
    }

    /// <summary>The text of a field that a NUL ends, or the field's end.</summary>
    public static string Text(ReadOnlySpan<byte> field)
    {
        var end = field.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? field : field[..end]);
    }

    static void CheckSum(ReadOnlySpan<byte> block)
    {
        // The field itself counts as blanks; some old writers summed signed bytes.
        int unsigned = 8 * ' ', signed = unsigned;
        for (var i = 0; i < BlockBytes; i++)
        {
            if (i is >= ChecksumOffset and < ChecksumOffset + 8) continue;
            unsigned += block[i];
            signed += (sbyte)block[i];
        }
        var sum = Number(block.Slice(ChecksumOffset, 8));
        if (sum != unsigned && sum != signed)
            throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"no tar header: its checksum is {unsigned}, {(sum is { } given ? $"{given} is" : "none")} given"));
    }

    /// <summary>Octal digits between blanks, 0 where there are none, or GNU's binary form whose first bit is set; null if it is neither or too large.</summary>
    static long? Number(ReadOnlySpan<byte> field)
    {
        if ((field[0] & 0x80) != 0)
        {
            long binary = field[0] & 0x7f;
            foreach (var digit in field[1..])
            {
                if (binary > MaxSize >> 8) return null;
                binary = binary << 8 | digit;
            }
            return binary;
        }
        var digits = field.TrimStart((byte)' ');
        var end = digits.IndexOfAny((byte)0, (byte)' ');
        if (end >= 0) digits = digits[..end];
        var value = 0L;
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'7') return null;
            value = value << 3 | (long)(digit - '0');
        }
        return value;
    }
}
