using System.Numerics;

namespace PeaEngine.Diffusion.Images;

/// <summary>Writes blocks of coefficients as Huffman codes of the standard's tables; a byte FF is followed by a zero.</summary>
sealed class JpegHuffmanWriter(Stream stream)
{
    /// <summary>A symbol's code, by symbol.</summary>
    readonly record struct Code(ushort Bits, byte Length);

    static readonly Code[] LumaDc = Codes(JpegStandard.LumaDc), LumaAc = Codes(JpegStandard.LumaAc), ChromaDc = Codes(JpegStandard.ChromaDc), ChromaAc = Codes(JpegStandard.ChromaAc);

    ulong buffer;
    int held;

    /// <summary>Writes a block of natural order; its first coefficient as the difference from <paramref name="previous"/>.</summary>
    public void Write(ReadOnlySpan<short> block, int previous, bool chroma)
    {
        var (dc, ac) = chroma ? (ChromaDc, ChromaAc) : (LumaDc, LumaAc);
        WriteNumber(dc, 0, block[0] - previous);
        var zeros = 0;
        foreach (var index in JpegTables.NaturalOrder[1..])
        {
            if (block[index] == 0)
            {
                zeros++;
                continue;
            }
            // F0 stands for 16 zeros.
            for (; zeros >= 16; zeros -= 16) Put(ac[0xf0].Bits, ac[0xf0].Length);
            WriteNumber(ac, zeros, block[index]);
            zeros = 0;
        }
        if (zeros > 0) Put(ac[0].Bits, ac[0].Length);
    }

    /// <summary>Fills the last byte with ones.</summary>
    public void Finish()
    {
        if (held > 0) Put((1 << (8 - held)) - 1, 8 - held);
    }

    /// <summary>The code of a run of zeros and a size, then as many bits of the number; of a negative one less one.</summary>
    void WriteNumber(Code[] codes, int zeros, int value)
    {
        var size = 32 - BitOperations.LeadingZeroCount((uint)Math.Abs(value));
        var code = codes[(zeros << 4) | size];
        Put(code.Bits, code.Length);
        Put((value < 0 ? value - 1 : value) & ((1 << size) - 1), size);
    }

    void Put(int bits, int count)
    {
        buffer = (buffer << count) | (uint)bits;
        held += count;
        while (held >= 8)
        {
            held -= 8;
            var value = (byte)(buffer >> held);
            stream.WriteByte(value);
            if (value == 0xff) stream.WriteByte(0);
        }
    }

    static Code[] Codes(JpegStandard.Huffman table)
    {
        var codes = new Code[256];
        var (code, index) = (0, 0);
        for (var length = 1; length <= JpegHuffmanTable.MaxLength; length++, code <<= 1)
            for (var i = 0; i < table.Counts[length - 1]; i++) codes[table.Symbols[index++]] = new((ushort)code++, (byte)length);
        return codes;
    }
}
