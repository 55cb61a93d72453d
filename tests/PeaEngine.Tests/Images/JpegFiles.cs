namespace PeaEngine.Tests.Images;

/// <summary>JPEG files made segment by segment.</summary>
static class JpegFiles
{
    /// <summary>A file of the given parts.</summary>
    public static byte[] Of(params byte[][] parts) => [0xff, 0xd8, .. parts.SelectMany(part => part)];

    /// <summary>A segment with its length.</summary>
    public static byte[] Segment(byte marker, params byte[] data) => [0xff, marker, (byte)((data.Length + 2) >> 8), (byte)(data.Length + 2), .. data];

    /// <summary>A quantization table of ones.</summary>
    public static byte[] Quantization => Segment(0xdb, [0, .. Enumerable.Repeat((byte)1, 64)]);

    /// <summary>The codes 0 and 10 for <paramref name="symbols"/>; <paramref name="kind"/> 0 is of the first coefficients, 16 of the others.</summary>
    public static byte[] Huffman(byte kind, params byte[] symbols)
    {
        var counts = new byte[16];
        for (var i = 0; i < symbols.Length; i++) counts[i] = 1;
        return Segment(0xc4, [kind, .. counts, .. symbols]);
    }

    /// <summary>All tables: 0 is no difference, 10 one of 4 bits; then 0 is the end of a block, 10 the next coefficient of 1 bit.</summary>
    public static byte[] Tables => [.. Quantization, .. Huffman(0, 0, 4), .. Huffman(16, 0, 1)];

    /// <summary>A frame of <paramref name="components"/> that are not subsampled.</summary>
    public static byte[] Frame(int width, int height, byte marker = 0xc0, int components = 1, byte sampling = 0x11) =>
        Segment(marker, [8, (byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width, (byte)components, .. Enumerable.Range(1, components).SelectMany(id => (byte[])[(byte)id, sampling, 0])]);

    /// <summary>A scan's header and its data.</summary>
    public static byte[] Scan(byte[] data, byte first = 0, byte last = 63, byte bits = 0, params byte[] ids) =>
        [.. Segment(0xda, [(byte)Math.Max(ids.Length, 1), .. (ids.Length == 0 ? [1] : ids).SelectMany(id => (byte[])[id, 0]), first, last, bits]), .. data];

    /// <summary>The end.</summary>
    public static byte[] End => [0xff, 0xd9];
}
