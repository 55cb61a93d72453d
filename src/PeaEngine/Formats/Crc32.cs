namespace PeaEngine.Formats;

/// <summary>The checksum of PNG's chunks and of zip archives: the reflected polynomial EDB88320.</summary>
public static class Crc32
{
    static readonly uint[] Table = MakeTable();

    /// <summary>The checksum of what has the checksum <paramref name="crc"/> followed by <paramref name="bytes"/>; that of nothing is 0.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        foreach (var value in bytes) crc = Table[(byte)(crc ^ value)] ^ (crc >> 8);
        return ~crc;
    }

    static uint[] MakeTable()
    {
        var table = new uint[256];
        for (var i = 0u; i < table.Length; i++)
        {
            var crc = i;
            for (var bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) * 0xedb88320);
            table[i] = crc;
        }
        return table;
    }
}
