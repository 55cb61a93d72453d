namespace PeaEngine.Diffusion.Images;

/// <summary>
/// One scan: some or all components' blocks, whole or, of a progressive picture, a band of their coefficients or one more bit of it
/// (JPEG, annexes F and G).
/// </summary>
ref struct JpegScan
{
    /// <summary>What a scan brings.</summary>
    enum Kind { Sequential, DcFirst, DcRefine, AcFirst, AcRefine }

    /// <summary>A component's part in the scan.</summary>
    struct Part
    {
        public JpegComponent Component;
        public JpegHuffmanTable? Dc, Ac;

        /// <summary>The last block's first coefficient, from which the next one's differs.</summary>
        public int Previous;
    }

    /// <summary>The most blocks of an interleaved unit.</summary>
    const int MaxUnitBlocks = 10;

    /// <summary>The lowest bit that a progressive picture may begin with.</summary>
    const int MaxLow = 13;

    readonly JpegFrame frame;
    readonly Part[] parts;
    readonly Kind kind;
    readonly int restartInterval;
    readonly string name;

    /// <summary>The band's first and last coefficient, and the bit.</summary>
    readonly int first, last, low;

    JpegBits bits;

    /// <summary>Units to the next restart marker, and that marker's number.</summary>
    int unitsLeft, restart;

    /// <summary>Blocks whose band has ended before it began.</summary>
    int endOfBand;

    JpegScan(ReadOnlySpan<byte> file, int position, ReadOnlySpan<byte> segment, JpegFrame frame, JpegTables tables, int restartInterval, string name)
    {
        (this.frame, this.restartInterval, this.name) = (frame, restartInterval, name);
        bits = new JpegBits(file, position);
        unitsLeft = restartInterval;
        if (segment.Length < 1 || segment[0] is < 1 or > 4 || segment.Length != 4 + 2 * segment[0])
            throw new PeaException($"{name}: a scan header of {segment.Length} bytes, expected 4 and 2 for each of 1 to 4 components");
        parts = new Part[segment[0]];
        for (var i = 0; i < parts.Length; i++)
        {
            var id = segment[1 + 2 * i];
            var component = frame.Components.FirstOrDefault(component => component.Id == id);
            if (component == null || parts.Any(part => part.Component == component))
                throw new PeaException($"{name}: a scan of component {id}, expected one of the frame's, once");
            parts[i].Component = component;
        }
        if (parts.Length > 1 && parts.Sum(part => part.Component.Across * part.Component.Down) > MaxUnitBlocks)
            throw new PeaException($"{name}: a scan whose units have more than {MaxUnitBlocks} blocks, expected at most that");
        if (frame.IsProgressive)
        {
            (first, last, low) = (segment[^3], segment[^2], segment[^1] & 15);
            kind = Progress(segment[^1] >> 4);
        }
        for (var i = 0; i < parts.Length; i++)
        {
            ref var part = ref parts[i];
            if (!part.Component.IsSent) part.Component.Quantization = tables.Quantization(part.Component.Table, name);
            else if (!frame.IsProgressive) throw new PeaException($"{name}: a second scan of component {part.Component.Id}, expected one");
            var slots = segment[2 + 2 * i];
            if (kind is Kind.Sequential or Kind.DcFirst) part.Dc = tables.Dc(slots >> 4, name);
            if (kind is Kind.Sequential or Kind.AcFirst or Kind.AcRefine) part.Ac = tables.Ac(slots & 15, name);
        }
    }

    /// <summary>Decodes a scan whose header is <paramref name="segment"/> and whose data begins at <paramref name="position"/>; where it ends.</summary>
    /// <exception cref="PeaException">The header or the data is damaged.</exception>
    public static int Decode(ReadOnlySpan<byte> file, int position, ReadOnlySpan<byte> segment, JpegFrame frame, JpegTables tables, int restartInterval, string name)
    {
        var scan = new JpegScan(file, position, segment, frame, tables, restartInterval, name);
        scan.DecodeUnits();
        return scan.bits.Position;
    }

    /// <summary>Checks that a progressive scan follows from those before it, which also bounds their number.</summary>
    readonly Kind Progress(int high)
    {
        if (first > last || last >= JpegComponent.BlockSize || first == 0 && last != 0 || first > 0 && parts.Length > 1 || low > MaxLow || high > 0 && high != low + 1)
            throw new PeaException($"{name}: a scan of coefficients {first} to {last}, bits {high} to {low}, expected one that a progressive JPEG has");
        foreach (var part in parts)
        {
            if (first > 0 && part.Component.Lowest[0] < 0) throw new PeaException($"{name}: a scan of coefficients {first} to {last} of component {part.Component.Id}, expected coefficient 0 first");
            foreach (ref var sent in part.Component.Lowest[first..(last + 1)])
            {
                if (sent != (high == 0 ? -1 : high)) throw new PeaException($"{name}: component {part.Component.Id} has bit {low} of coefficients {first} to {last} out of turn, expected each bit once");
                sent = (sbyte)low;
            }
        }
        return first == 0 ? high == 0 ? Kind.DcFirst : Kind.DcRefine : high == 0 ? Kind.AcFirst : Kind.AcRefine;
    }

    void DecodeUnits()
    {
        var alone = parts.Length == 1;
        var (across, down) = alone ? (parts[0].Component.BlocksAcross, parts[0].Component.BlocksDown) : (frame.McusAcross, frame.McusDown);
        for (var y = 0; y < down; y++)
        {
            for (var x = 0; x < across; x++)
            {
                if (restartInterval > 0 && unitsLeft-- == 0) Restart();
                if (alone) DecodeBlock(ref parts[0], x, y);
                else
                    foreach (ref var part in parts.AsSpan())
                        for (var v = 0; v < part.Component.Down; v++)
                            for (var h = 0; h < part.Component.Across; h++)
                                DecodeBlock(ref part, x * part.Component.Across + h, y * part.Component.Down + v);
            }
            if (bits.IsOverrun) throw Damaged();
        }
    }

    void Restart()
    {
        if (bits.IsOverrun) throw Damaged();
        var marker = bits.SkipToMarker();
        if (marker != 0xd0 + restart) throw new PeaException(marker < 0 ? $"{name}: ends without restart marker {restart}: the file is truncated" : $"{name}: marker {marker:x2}, expected restart marker {restart}: the file is damaged");
        (restart, unitsLeft, endOfBand) = ((restart + 1) & 7, restartInterval - 1, 0);
        foreach (ref var part in parts.AsSpan()) part.Previous = 0;
    }

    void DecodeBlock(ref Part part, int x, int y)
    {
        switch (kind)
        {
            case Kind.Sequential:
                DecodeSequential(ref part, x, y);
                break;
            case Kind.DcFirst:
                part.Component.Block(x, y)[0] = (short)(NextDc(ref part) << low);
                break;
            case Kind.DcRefine:
                part.Component.Block(x, y)[0] |= (short)(bits.TakeBit() << low);
                break;
            case Kind.AcFirst:
                DecodeAc(part.Ac!, part.Component.Block(x, y));
                break;
            default:
                RefineAc(part.Ac!, part.Component.Block(x, y));
                break;
        }
    }

    void DecodeSequential(ref Part part, int x, int y)
    {
        Span<short> block = stackalloc short[JpegComponent.BlockSize];
        block.Clear();
        block[0] = (short)NextDc(ref part);
        var (table, highest) = (part.Ac!, 0);
        for (var k = 1; k < JpegComponent.BlockSize; k++)
        {
            bits.Fill();
            var symbol = table.Decode(ref bits);
            var (zeros, size) = (symbol >> 4, symbol & 15);
            if (size == 0 && zeros != 15) break;
            k += zeros;
            if (symbol < 0 || k >= JpegComponent.BlockSize) throw Damaged();
            if (size == 0) continue;
            block[JpegTables.NaturalOrder[k]] = (short)bits.TakeSigned(size);
            highest = k;
        }
        part.Component.Transform(block, highest, x, y);
    }

    int NextDc(ref Part part)
    {
        bits.Fill();
        var size = part.Dc!.Decode(ref bits);
        if (size is < 0 or > 15) throw Damaged();
        return part.Previous += bits.TakeSigned(size);
    }

    void DecodeAc(JpegHuffmanTable table, Span<short> block)
    {
        if (endOfBand > 0)
        {
            endOfBand--;
            return;
        }
        for (var k = first; k <= last; k++)
        {
            var (zeros, size) = NextAc(table);
            if (size == 0 && zeros != 15)
            {
                endOfBand = TakeRun(zeros) - 1;
                return;
            }
            k += zeros;
            if (k > last && size > 0) throw Damaged();
            if (size > 0) block[JpegTables.NaturalOrder[k]] = (short)(bits.TakeSigned(size) << low);
        }
    }

    void RefineAc(JpegHuffmanTable table, Span<short> block)
    {
        var k = first;
        for (; endOfBand == 0 && k <= last; k++)
        {
            var (zeros, size) = NextAc(table);
            if (size > 1) throw Damaged();
            if (size == 0 && zeros != 15)
            {
                endOfBand = TakeRun(zeros);
                break;
            }
            var value = size == 0 ? 0 : bits.TakeBit() == 0 ? -1 << low : 1 << low;
            // Zeros are counted; what is not zero on the way gets its next bit.
            k = RefineUntil(block, k, zeros);
            if (value == 0) continue;
            if (k > last) throw Damaged();
            block[JpegTables.NaturalOrder[k]] = (short)value;
        }
        if (endOfBand == 0) return;
        RefineUntil(block, k, int.MaxValue);
        endOfBand--;
    }

    /// <summary>Refines coefficients from <paramref name="k"/> on, up to the zero after <paramref name="zeros"/> others; that one's index.</summary>
    int RefineUntil(Span<short> block, int k, int zeros)
    {
        for (; k <= last; k++)
        {
            ref var coefficient = ref block[JpegTables.NaturalOrder[k]];
            if (coefficient == 0)
            {
                if (zeros-- == 0) break;
            }
            else if (bits.TakeBit() == 1 && (coefficient & (1 << low)) == 0) coefficient += (short)(coefficient < 0 ? -1 << low : 1 << low);
        }
        return k;
    }

    (int Zeros, int Size) NextAc(JpegHuffmanTable table)
    {
        bits.Fill();
        var symbol = table.Decode(ref bits);
        return symbol < 0 ? throw Damaged() : (symbol >> 4, symbol & 15);
    }

    /// <summary>The blocks whose band ends here, this one included.</summary>
    int TakeRun(int size) => size == 0 ? 1 : (1 << size) + bits.Take(size);

    readonly PeaException Damaged() => new(bits.IsOverrun ? $"{name}: the image data ends early: the file is truncated or damaged" : $"{name}: the image data is no Huffman code of coefficients: the file is damaged");
}
