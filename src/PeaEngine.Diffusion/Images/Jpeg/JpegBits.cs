using System.Buffers.Binary;

namespace PeaEngine.Diffusion.Images;

/// <summary>The bits of a scan: FF 00 is a byte FF, any other FF begins a marker, and past it zeros are made up, which is noticed.</summary>
ref struct JpegBits(ReadOnlySpan<byte> file, int position)
{
    const ulong Ones = 0x0101010101010101, Highest = 0x8080808080808080;

    readonly ReadOnlySpan<byte> file = file;

    /// <summary>The next bits, the first at the top, and how many of them are known; below them may be bits of the byte that follows.</summary>
    ulong buffer;
    int known;

    /// <summary>Bits made up so far: the last of those in the buffer.</summary>
    int madeUp;

    /// <summary>Where the next byte is; never past a marker.</summary>
    public int Position { get; private set; } = position;

    /// <summary>Whether bits were taken that the file does not have.</summary>
    public readonly bool IsOverrun => known < madeUp;

    /// <summary>Makes at least 32 bits known: the longest code and the longest number together have 31.</summary>
    public void Fill()
    {
        if (known >= 32) return;
        if (file.Length - Position >= 8)
        {
            var next = BinaryPrimitives.ReadUInt64BigEndian(file[Position..]);
            // No byte of the eight is FF.
            if (((~next - Ones) & next & Highest) == 0)
            {
                buffer |= next >> known;
                var bytes = (64 - known) >> 3;
                (Position, known) = (Position + bytes, known + 8 * bytes);
                return;
            }
        }
        for (; known <= 56; known += 8)
        {
            if (Position < file.Length && file[Position] != 0xff) buffer |= (ulong)file[Position++] << (56 - known);
            else if (Position + 1 < file.Length && file[Position + 1] == 0)
            {
                buffer |= 0xfful << (56 - known);
                Position += 2;
            }
            else madeUp += 8;
        }
    }

    /// <summary>The next 1 to 32 bits, which stay.</summary>
    public readonly int Peek(int count) => (int)(buffer >> (64 - count));

    /// <summary>Takes bits that were made known.</summary>
    public void Skip(int count)
    {
        buffer <<= count;
        known -= count;
    }

    /// <summary>Takes the next 1 to 16 bits, which were made known, as a number without a sign.</summary>
    public int Take(int count)
    {
        var value = Peek(count);
        Skip(count);
        return value;
    }

    /// <summary>Takes a number of 0 to 16 bits, which were made known; one that begins with a zero is negative.</summary>
    public int TakeSigned(int size)
    {
        if (size == 0) return 0;
        var value = Take(size);
        return value >> (size - 1) == 0 ? value - (1 << size) + 1 : value;
    }

    /// <summary>Takes a bit.</summary>
    public int TakeBit()
    {
        if (known == 0) Fill();
        return Take(1);
    }

    /// <summary>Leaves the rest of the bits and the bytes up to the next marker; its second byte, or -1 at the end.</summary>
    public int SkipToMarker()
    {
        (buffer, known, madeUp) = (0, 0, 0);
        // The second byte of a marker is neither a stuffed zero nor a fill byte.
        while (Position + 1 < file.Length && (file[Position] != 0xff || file[Position + 1] is 0 or 0xff)) Position++;
        if (Position + 1 >= file.Length) return -1;
        Position += 2;
        return file[Position - 1];
    }
}
