using System.Security.Cryptography;
using PeaEngine.Diffusion.Images;

namespace PeaEngine.Tests.Images;

public class JpegReaderTests
{
    static readonly string Folder = Path.Combine(Repository.Root, "tests", "PeaEngine.Tests", "Images", "Jpegs");

    /// <summary>Files of libjpeg-turbo 2.1's cjpeg and of Pillow 9.4, and the sums of the RGB pixels that Pillow reads.</summary>
    public static TheoryData<string, string> Sums()
    {
        var data = new TheoryData<string, string>();
        foreach (var line in File.ReadLines(Path.Combine(Folder, "pixels.sha256.txt"))) data.Add(line[66..], line[..64]);
        return data;
    }

    [Theory]
    [MemberData(nameof(Sums))]
    public void EverySamplingAndColourIsReadAsPillowDoes(string name, string sha256) =>
        Assert.Equal(sha256, Convert.ToHexStringLower(SHA256.HashData(PixelImage.Load(Path.Combine(Folder, name)).Pixels)));

    /// <summary>A first coefficient of 8 is one level of grey; one of the second, with its 1/8 · √2 · cos, is a slope.</summary>
    [Fact]
    public void BlocksAreWhatTheirCoefficientsSay()
    {
        // 10 1000: 8 more; 0: no others. Then 0: as before; 0.
        PixelAssert.Equal([.. Rows(8, 129, 129)], Grey(16, 8, 0b10100000, 0b00111111));
        // 10 0111: 8 less. Then 10 1111: 15 more, which is 7.
        PixelAssert.Equal([.. Rows(8, 127, 129)], Grey(16, 8, 0b10011101, 0b01111011));

        static IEnumerable<byte> Rows(int count, byte left, byte right) => Enumerable.Range(0, count).SelectMany(_ => Enumerable.Repeat(left, 8).Concat(Enumerable.Repeat(right, 8)));
    }

    [Fact]
    public void ASequentialPictureNeedsNoEndAndFillBytesAreSkipped()
    {
        byte[][] parts = [[0xff, .. JpegFiles.Tables], JpegFiles.Frame(8, 8), [0xff, 0xff, .. JpegFiles.Scan([0x3f])]];
        PixelAssert.Equal(Enumerable.Repeat((byte)128, 64).ToArray(), Decode(parts).ToGrey());
    }

    [Fact]
    public void CommentsAndExifAreReadAndLeaveThePixelsAsTheyAre()
    {
        var image = Decode(
            JpegFiles.Segment(0xfe, [.. "made by hand\0"u8]),
            JpegFiles.Segment(0xfe, [.. "Title\0老虎"u8]),
            JpegFiles.Segment(0xe1, new Exif(6, "a cat 🐯\nSteps: 20").ToJpeg()),
            JpegFiles.Tables, JpegFiles.Frame(5, 3), JpegFiles.Scan([0x3f]));
        Assert.Equal((PictureText[])[new("Comment", "made by hand"), new("Title", "老虎"), new(PictureText.Parameters, "a cat 🐯\nSteps: 20")], image.Texts);
        Assert.Equal((6, 5, 3), (image.Orientation, image.Width, image.Height));
    }

    public static TheoryData<string, byte[]> Bad()
    {
        var (tables, frame, scan, end) = (JpegFiles.Tables, JpegFiles.Frame(8, 8), JpegFiles.Scan([0x3f]), JpegFiles.End);
        var progressive = JpegFiles.Frame(8, 8, 0xc2);
        var good = JpegFiles.Of(tables, frame, scan, end);
        return new()
        {
            { "ends at byte 3 within the picture", good[..3] },
            { "the file only 3 more: it is truncated", good[..7] },
            { "the image data ends early", JpegFiles.Of(tables, JpegFiles.Frame(40, 8), JpegFiles.Scan([0]), end) },
            { "at byte 4 has 1 bytes, expected at least 2", JpegFiles.Of([0xff, 0xe0, 0, 1], frame) },
            { "a second beginning at byte 2", JpegFiles.Of([0xff, 0xd8], frame) },
            { "a scan before the frame", JpegFiles.Of(tables, scan) },
            { "two frames", JpegFiles.Of(frame, frame) },
            { "without a frame", JpegFiles.Of(tables, end) },
            { "without a scan of component 1", JpegFiles.Of(tables, frame, end) },
            { "without a scan of component 2", JpegFiles.Of(tables, JpegFiles.Frame(8, 8, components: 3), scan, end) },
            { "a frame header of 8 bytes", JpegFiles.Of(JpegFiles.Segment(0xc0, 8, 0, 1, 0, 1, 1, 1, 0x11)) },
            { "a JPEG of 12 bits a sample", JpegFiles.Of(JpegFiles.Segment(0xc1, 12, 0, 1, 0, 1, 1, 1, 0x11, 0)) },
            { "0x8, expected positive", JpegFiles.Of(JpegFiles.Frame(0, 8)) },
            { "65535x65535, expected at most", JpegFiles.Of(JpegFiles.Frame(65535, 65535)) },
            { "a JPEG of 2 components", JpegFiles.Of(JpegFiles.Frame(8, 8, components: 2)) },
            { "sampling factors 5x1", JpegFiles.Of(JpegFiles.Frame(8, 8, sampling: 0x51)) },
            { "sampling factors 1x0", JpegFiles.Of(JpegFiles.Frame(8, 8, sampling: 0x10)) },
            { "quantization table 4", JpegFiles.Of(JpegFiles.Segment(0xc0, 8, 0, 1, 0, 1, 1, 1, 0x11, 4)) },
            { "two components 1", JpegFiles.Of(JpegFiles.Segment(0xc0, 8, 0, 1, 0, 1, 3, 1, 0x11, 0, 1, 0x11, 0, 2, 0x11, 0)) },
            { "factors 2x1 beside 3x1, expected divisors", JpegFiles.Of(JpegFiles.Segment(0xc0, 8, 0, 1, 0, 1, 3, 1, 0x31, 0, 2, 0x21, 0, 3, 0x11, 0)) },
            { "a lossless JPEG", JpegFiles.Of(JpegFiles.Frame(8, 8, 0xc3)) },
            { "a hierarchical JPEG", JpegFiles.Of(JpegFiles.Frame(8, 8, 0xc5)) },
            { "a JPEG with arithmetic codes", JpegFiles.Of(JpegFiles.Frame(8, 8, 0xc9)) },
            { "no quantization table 0", JpegFiles.Of(frame, scan, end) },
            { "no DC Huffman table 0", JpegFiles.Of(JpegFiles.Quantization, frame, scan, end) },
            { "no AC Huffman table 0", JpegFiles.Of(JpegFiles.Quantization, JpegFiles.Huffman(0, 0), frame, scan, end) },
            { "quantization table 0 of precision 2", JpegFiles.Of(JpegFiles.Segment(0xdb, [0x20, .. new byte[64]])) },
            { "in 63 bytes, expected", JpegFiles.Of(JpegFiles.Segment(0xdb, new byte[64])) },
            { "Huffman table 0 of class 2", JpegFiles.Of(JpegFiles.Huffman(0x20, 0)) },
            { "a Huffman table of 1 symbols in 0 bytes", JpegFiles.Of(JpegFiles.Segment(0xc4, [0, 1, .. new byte[15]])) },
            { "a Huffman table of 510 symbols", JpegFiles.Of(JpegFiles.Segment(0xc4, [0, .. new byte[14], 255, 255, .. new byte[510]])) },
            { "more codes of 1 bits than there are", JpegFiles.Of(JpegFiles.Segment(0xc4, [0, 3, .. new byte[15], 1, 2, 3])) },
            { "a restart interval of 1 bytes", JpegFiles.Of(JpegFiles.Segment(0xdd, 1), frame) },
            { "no Huffman code", JpegFiles.Of(tables, frame, JpegFiles.Scan([0xfe, 0xfe]), end) },
            { "no Huffman code", JpegFiles.Of(JpegFiles.Quantization, JpegFiles.Huffman(0, 0), JpegFiles.Huffman(16, 0xf1), frame, JpegFiles.Scan([.. Enumerable.Repeat((byte)0x01, 8)]), end) },
            { "a scan header of 5 bytes", JpegFiles.Of(tables, frame, JpegFiles.Segment(0xda, 1, 1, 0, 0, 63), end) },
            { "a scan of component 7", JpegFiles.Of(tables, frame, JpegFiles.Scan([0x3f], ids: 7)) },
            { "a scan of component 1, expected one of the frame's, once", JpegFiles.Of(tables, frame, JpegFiles.Scan([0x3f], ids: [1, 1])) },
            { "a second scan of component 1", JpegFiles.Of(tables, JpegFiles.Frame(8, 8, components: 3), scan, scan) },
            { "more than 10 blocks", JpegFiles.Of(tables, JpegFiles.Frame(8, 8, components: 3, sampling: 0x22), JpegFiles.Scan([0x3f], ids: [1, 2, 3])) },
            { "expected restart marker 0", JpegFiles.Of(tables, JpegFiles.Segment(0xdd, 0, 1), JpegFiles.Frame(16, 8), JpegFiles.Scan([0x3f, 0xff, 0xd1, 0x3f]), end) },
            { "ends without restart marker 0", JpegFiles.Of(tables, JpegFiles.Segment(0xdd, 0, 1), JpegFiles.Frame(16, 8), JpegFiles.Scan([0x3f, 0x3f])) },
            { "coefficients 0 to 63, bits 0 to 0, expected one that a progressive JPEG has", JpegFiles.Of(tables, progressive, scan, end) },
            { "coefficients 5 to 4, bits 0 to 0", JpegFiles.Of(tables, progressive, JpegFiles.Scan([0x3f], 5, 4), end) },
            { "coefficients 0 to 0, bits 3 to 1", JpegFiles.Of(tables, progressive, JpegFiles.Scan([0x3f], 0, 0, 0x31), end) },
            { "coefficients 1 to 5 of component 1, expected coefficient 0 first", JpegFiles.Of(tables, progressive, JpegFiles.Scan([0x3f], 1, 5), end) },
            { "bit 0 of coefficients 0 to 0 out of turn", JpegFiles.Of(tables, progressive, JpegFiles.Scan([0x3f], 0, 0), JpegFiles.Scan([0x3f], 0, 0), end) },
            { "bit 1 of coefficients 0 to 0 out of turn", JpegFiles.Of(tables, progressive, JpegFiles.Scan([0x3f], 0, 0, 3), JpegFiles.Scan([0x3f], 0, 0, 0x21), end) },
            { "within the picture", JpegFiles.Of(tables, progressive, JpegFiles.Scan([0x3f], 0, 0)) },
        };
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public void WhatIsWrongIsNamed(string expected, byte[] file)
    {
        var error = Assert.Throws<PeaException>(() => PixelImage.Decode(file, "x.jpg"));
        Assert.StartsWith("x.jpg: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData(0xc0)]
    [InlineData(0xc2)]
    public void ASizeThatTheDataCannotFillAllocatesNothing(byte marker)
    {
        var file = JpegFiles.Of(JpegFiles.Tables, JpegFiles.Frame(10000, 10000, marker), JpegFiles.Scan(new byte[100], last: (byte)(marker == 0xc0 ? 63 : 0)), JpegFiles.End);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<PeaException>(() => PixelImage.Decode(file, "x.jpg"));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        Assert.Contains("too few for 10000x10000", error.Message, StringComparison.Ordinal);
    }

    /// <summary>One coefficient a scan and one bit a scan are 63 · 14 scans that follow one another rightly.</summary>
    [Fact]
    public void MoreScansThanAnyEncoderWritesAreGivenUp()
    {
        var scans = new List<byte[]> { JpegFiles.Scan([0x3f], 0, 0) };
        for (byte k = 1; k < 64; k++)
            for (var bit = 13; bit >= 0; bit--) scans.Add(JpegFiles.Scan([0x3f], k, k, (byte)(bit == 13 ? 13 : (bit + 1) << 4 | bit)));
        byte[] file = [.. JpegFiles.Of(JpegFiles.Tables, JpegFiles.Frame(8, 8, 0xc2)), .. scans.SelectMany(scan => scan), .. JpegFiles.End];
        Assert.Contains($"more than {JpegReader.MaxScans} scans", Assert.Throws<PeaException>(() => PixelImage.Decode(file, "x.jpg")).Message, StringComparison.Ordinal);
        byte[] fewer = [.. JpegFiles.Of(JpegFiles.Tables, JpegFiles.Frame(8, 8, 0xc2)), .. scans.Take(JpegReader.MaxScans).SelectMany(scan => scan), .. JpegFiles.End];
        Assert.Equal(8, PixelImage.Decode(fewer, "x.jpg").Width);
    }

    static PixelImage Grey(int width, int height, params byte[] data) => Decode(JpegFiles.Tables, JpegFiles.Frame(width, height), JpegFiles.Scan(data)).ToGrey();

    static PixelImage Decode(params byte[][] parts) => PixelImage.Decode(JpegFiles.Of(parts), "x.jpg");
}
