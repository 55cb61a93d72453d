using System.Buffers.Binary;

namespace PeaEngine.Diffusion.Images;

/// <summary>The tables that a file defines and redefines, four slots of each kind.</summary>
sealed class JpegTables
{
    const int Slots = 4;

    /// <summary>The index in natural order, row by row, of each coefficient of the zigzag order.</summary>
    public static ReadOnlySpan<byte> NaturalOrder =>
    [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
        35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ];

    readonly ushort[]?[] quantization = new ushort[Slots][];
    readonly JpegHuffmanTable?[] dc = new JpegHuffmanTable[Slots], ac = new JpegHuffmanTable[Slots];

    /// <summary>The quantization table of a slot, natural order.</summary>
    /// <exception cref="PeaException">There is none.</exception>
    public ushort[] Quantization(int slot, string name) => quantization[slot] ?? throw new PeaException($"{name}: no quantization table {slot}, expected one before the image data");

    /// <summary>The table for the first coefficients.</summary>
    /// <exception cref="PeaException">There is none.</exception>
    public JpegHuffmanTable Dc(int slot, string name) => Huffman(dc, "DC", slot, name);

    /// <summary>The table for the other coefficients.</summary>
    /// <exception cref="PeaException">There is none.</exception>
    public JpegHuffmanTable Ac(int slot, string name) => Huffman(ac, "AC", slot, name);

    /// <summary>Reads a segment DQT: any number of tables of bytes or words.</summary>
    /// <exception cref="PeaException">The segment is damaged.</exception>
    public void ReadQuantization(ReadOnlySpan<byte> segment, string name)
    {
        while (!segment.IsEmpty)
        {
            var (words, slot) = (segment[0] >> 4, segment[0] & 15);
            var bytes = JpegComponent.BlockSize * (words + 1);
            if (words > 1 || slot >= Slots || segment.Length < 1 + bytes)
                throw new PeaException($"{name}: quantization table {slot} of precision {words} in {segment.Length - 1} bytes, expected 0 to {Slots - 1}, 0 or 1, and 64 values");
            var table = new ushort[JpegComponent.BlockSize];
            for (var i = 0; i < table.Length; i++)
                table[NaturalOrder[i]] = words == 0 ? segment[1 + i] : BinaryPrimitives.ReadUInt16BigEndian(segment[(1 + 2 * i)..]);
            quantization[slot] = table;
            segment = segment[(1 + bytes)..];
        }
    }

    /// <summary>Reads a segment DHT: any number of tables.</summary>
    /// <exception cref="PeaException">The segment is damaged.</exception>
    public void ReadHuffman(ReadOnlySpan<byte> segment, string name)
    {
        const int Counts = JpegHuffmanTable.MaxLength;
        while (!segment.IsEmpty)
        {
            var (kind, slot) = (segment[0] >> 4, segment[0] & 15);
            if (kind > 1 || slot >= Slots || segment.Length < 1 + Counts)
                throw new PeaException($"{name}: Huffman table {slot} of class {kind} in {segment.Length - 1} bytes, expected 0 to {Slots - 1}, 0 or 1, and {Counts} counts");
            var counts = segment.Slice(1, Counts);
            var codes = 0;
            foreach (var count in counts) codes += count;
            if (codes > 256 || segment.Length < 1 + Counts + codes)
                throw new PeaException($"{name}: a Huffman table of {codes} symbols in {segment.Length - 1 - Counts} bytes, expected at most 256 and a byte each");
            (kind == 0 ? dc : ac)[slot] = new JpegHuffmanTable(counts, segment.Slice(1 + Counts, codes), name);
            segment = segment[(1 + Counts + codes)..];
        }
    }

    static JpegHuffmanTable Huffman(JpegHuffmanTable?[] tables, string kind, int slot, string name) =>
        (slot < Slots ? tables[slot] : null) ?? throw new PeaException($"{name}: no {kind} Huffman table {slot}, expected one before the image data");
}
