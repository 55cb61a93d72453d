namespace PeaEngine.Diffusion.Images;

/// <summary>A code of up to 16 bits for each of up to 256 symbols (JPEG, annex C). Codes of up to nine bits are looked up at once.</summary>
sealed class JpegHuffmanTable
{
    /// <summary>The longest code.</summary>
    public const int MaxLength = 16;

    const int LookupBits = 9;

    readonly ushort[] lookup = new ushort[1 << LookupBits];
    readonly int[] limit = new int[MaxLength + 1], offset = new int[MaxLength + 1];
    readonly byte[] symbols;

    /// <summary>A table of <paramref name="counts"/>[n - 1] codes of n bits, with their symbols in order; their sum is the symbols' number.</summary>
    /// <exception cref="PeaException">There are more codes of a length than the length has.</exception>
    public JpegHuffmanTable(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> symbols, string name)
    {
        this.symbols = symbols.ToArray();
        var (code, index) = (0, 0);
        for (var length = 1; length <= MaxLength; length++, code <<= 1)
        {
            offset[length] = index - code;
            for (var i = 0; i < counts[length - 1]; i++, code++, index++)
                if (length <= LookupBits && code < 1 << length)
                    lookup.AsSpan(code << (LookupBits - length), 1 << (LookupBits - length)).Fill((ushort)((length << 8) | symbols[index]));
            if (code > 1 << length) throw new PeaException($"{name}: a Huffman table with more codes of {length} bits than there are, expected a prefix code");
            limit[length] = code;
        }
    }

    /// <summary>Takes the next symbol, of 32 bits that were made known; -1 if no code is there.</summary>
    public int Decode(ref JpegBits bits)
    {
        var entry = lookup[bits.Peek(LookupBits)];
        if (entry != 0)
        {
            bits.Skip(entry >> 8);
            return entry & 0xff;
        }
        var ahead = bits.Peek(MaxLength);
        for (var length = LookupBits + 1; length <= MaxLength; length++)
        {
            var code = ahead >> (MaxLength - length);
            if (code >= limit[length]) continue;
            bits.Skip(length);
            return symbols[code + offset[length]];
        }
        return -1;
    }
}
