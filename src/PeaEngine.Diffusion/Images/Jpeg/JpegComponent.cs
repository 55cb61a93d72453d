namespace PeaEngine.Diffusion.Images;

/// <summary>A component of a frame: luma, say.</summary>
/// <param name="id">Its name in the file.</param>
/// <param name="across">Horizontal sampling factor: blocks in a unit's row.</param>
/// <param name="down">Vertical sampling factor.</param>
/// <param name="table">The slot of its quantization table.</param>
sealed class JpegComponent(int id, int across, int down, int table)
{
    /// <summary>Coefficients of a block, and its samples.</summary>
    public const int BlockSize = 64;

    readonly sbyte[] lowest = NothingSent();

    /// <summary>Its name in the file.</summary>
    public int Id => id;

    /// <summary>Horizontal sampling factor: blocks in a unit's row.</summary>
    public int Across => across;

    /// <summary>Vertical sampling factor.</summary>
    public int Down => down;

    /// <summary>The slot of its quantization table.</summary>
    public int Table => table;

    /// <summary>Samples of a row that belong to the picture.</summary>
    public int Width { get; private set; }

    /// <summary>Rows that belong to the picture.</summary>
    public int Height { get; private set; }

    /// <summary>Blocks of a row that belong to the picture: those of a scan of this component alone.</summary>
    public int BlocksAcross { get; private set; }

    /// <summary>Rows of blocks that belong to the picture.</summary>
    public int BlocksDown { get; private set; }

    /// <summary>Samples of a row, whole units.</summary>
    public int Stride { get; private set; }

    /// <summary>Rows of whole units.</summary>
    int PaddedHeight { get; set; }

    /// <summary>[rows of whole units, Stride]</summary>
    public byte[] Samples { get; private set; } = [];

    /// <summary>Of a progressive picture, [rows of blocks, blocks of a row, 64], natural order; else empty.</summary>
    public short[] Coefficients { get; private set; } = [];

    /// <summary>The quantization table as it was when the component's first scan began; before, empty.</summary>
    public ushort[] Quantization { get; set; } = [];

    /// <summary>Whether a scan has brought the component.</summary>
    public bool IsSent => Quantization.Length > 0;

    /// <summary>Of each coefficient, in zigzag order, the lowest bit that a progressive picture's scans have brought; -1 before the first.</summary>
    public Span<sbyte> Lowest => lowest;

    /// <summary>Sets the sizes.</summary>
    public void Fit(JpegFrame frame)
    {
        (Width, Height) = (JpegFrame.DivideUp(frame.Width * across, frame.MaxAcross), JpegFrame.DivideUp(frame.Height * down, frame.MaxDown));
        (BlocksAcross, BlocksDown) = (JpegFrame.DivideUp(Width, 8), JpegFrame.DivideUp(Height, 8));
        (Stride, PaddedHeight) = (8 * frame.McusAcross * across, 8 * frame.McusDown * down);
    }

    /// <summary>Makes room.</summary>
    public void Allocate(bool progressive)
    {
        Samples = new byte[Stride * PaddedHeight];
        if (progressive) Coefficients = new short[Stride * PaddedHeight];
    }

    /// <summary>A block of a progressive picture.</summary>
    public Span<short> Block(int x, int y) => Coefficients.AsSpan((y * (Stride / 8) + x) * BlockSize, BlockSize);

    /// <summary>Turns coefficients in natural order into the samples of a block; <paramref name="last"/> is the highest index in zigzag order that is not zero.</summary>
    public void Transform(ReadOnlySpan<short> block, int last, int x, int y) =>
        JpegDct.Inverse(block, last, Quantization, Samples.AsSpan(8 * (y * Stride + x)), Stride);

    /// <summary>Turns all coefficients of a progressive picture into samples, and forgets them.</summary>
    public void TransformAll()
    {
        for (var y = 0; y < BlocksDown; y++)
            for (var x = 0; x < BlocksAcross; x++)
            {
                var block = Block(x, y);
                Transform(block, block[1..].ContainsAnyExcept((short)0) ? BlockSize - 1 : 0, x, y);
            }
        Coefficients = [];
    }

    static sbyte[] NothingSent()
    {
        var lowest = new sbyte[BlockSize];
        Array.Fill(lowest, (sbyte)-1);
        return lowest;
    }
}
