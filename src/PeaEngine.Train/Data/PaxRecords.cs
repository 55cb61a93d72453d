using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace PeaEngine.Train.Data;

/// <summary>What the extended header of POSIX' pax format says of the entry after it: records <c>length key=value\n</c>.</summary>
/// <param name="Path">The entry's path in place of its header's, or null.</param>
/// <param name="Size">The entry's size in place of its header's, or null.</param>
readonly record struct PaxRecords(string? Path, long? Size)
{
    /// <summary>Reads the records.</summary>
    /// <exception cref="FormatException">They are malformed, or say that the file is sparse.</exception>
    public static PaxRecords Parse(ReadOnlySpan<byte> records)
    {
        var result = new PaxRecords();
        while (!records.IsEmpty)
        {
            if (!Utf8Parser.TryParse(records, out int length, out var digits) || digits >= records.Length || records[digits] != ' '
                || length <= digits + 1 || length > records.Length || records[length - 1] != '\n')
                throw new FormatException("a record of an extended header has a wrong length");
            var record = records[(digits + 1)..(length - 1)];
            var equals = record.IndexOf((byte)'=');
            if (equals < 0) throw new FormatException("a record of an extended header has no value");
            var value = record[(equals + 1)..];
            if (record[..equals].SequenceEqual("path"u8)) result = result with { Path = Encoding.UTF8.GetString(value) };
            else if (record[..equals].SequenceEqual("size"u8)) result = result with { Size = ParseSize(value) };
            else if (record.StartsWith("GNU.sparse"u8)) throw new FormatException("a sparse file, expected files that are stored whole");
            records = records[length..];
        }
        return result;
    }

    static long ParseSize(ReadOnlySpan<byte> value) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var size) && size <= TarHeader.MaxSize
            ? size
            : throw new FormatException("the size in an extended header is no number");
}
