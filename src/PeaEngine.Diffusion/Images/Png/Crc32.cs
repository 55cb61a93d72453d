namespace PeaEngine.Diffusion.Images;

/// <summary>The checksum of a PNG's chunks: the reflected polynomial EDB88320.</summary>
static class Crc32
{
    static readonly uint[] Table = MakeTable();

    /// <summary>The checksum of a chunk's type and data.</summary>
    public static uint Of(ReadOnlySpan<byte> type, ReadOnlySpan<byte> data) => ~Update(Update(uint.MaxValue, type), data);

    static uint Update(uint crc, ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes) crc = Table[(byte)(crc ^ value)] ^ (crc >> 8);
        return crc;
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
