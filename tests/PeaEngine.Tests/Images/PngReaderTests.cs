using System.Text;
using PeaEngine.Diffusion.Images;

namespace PeaEngine.Tests.Images;

public class PngReaderTests
{
    [Theory]
    [InlineData(1, 0b10110000, new byte[] { 255, 0, 255, 255 })]
    [InlineData(2, 0b00011011, new byte[] { 0, 85, 170, 255 })]
    [InlineData(4, 0x3f, new byte[] { 51, 255 })]
    public void FewBitsSpreadOverTheRange(int depth, byte packed, byte[] expected)
    {
        var image = Read(PngFiles.Header(expected.Length, 1, depth), PngFiles.Data(0, packed), PngFiles.End);
        PixelAssert.Equal(expected, image.ToGrey());
    }

    [Theory]
    [InlineData(2, new byte[] { 1, 9, 2, 9, 3, 9 }, new byte[] { 1, 2, 3 })]
    [InlineData(4, new byte[] { 7, 9, 0, 9 }, new byte[] { 7, 7, 7 })]
    [InlineData(6, new byte[] { 1, 9, 2, 9, 3, 9, 0, 9 }, new byte[] { 1, 2, 3 })]
    public void Of16BitsTheHighByteIsKept(int colour, byte[] row, byte[] expected)
    {
        var image = Read(PngFiles.Header(1, 1, 16, colour), PngFiles.Data([0, .. row]), PngFiles.End);
        PixelAssert.Equal(expected, image);
    }

    [Fact]
    public void EveryFilterIsUndone()
    {
        // Rows of differences, by hand: each row continues the one above.
        var image = Read(PngFiles.Header(3, 5), PngFiles.Data(0, 10, 20, 30, 1, 1, 1, 1, 2, 1, 1, 1, 3, 1, 1, 1, 4, 1, 1, 1), PngFiles.End);
        PixelAssert.Equal([10, 20, 30, 1, 2, 3, 2, 3, 4, 2, 3, 4, 3, 4, 5], image.ToGrey());
    }

    [Fact]
    public void AnInterlacedPictureSmallerThanThePassesIsRead()
    {
        // 2x1: the passes 1 and 6 have a pixel each.
        var image = Read(PngFiles.Header(2, 1, interlace: 1), PngFiles.Data(0, 5, 0, 9), PngFiles.End);
        PixelAssert.Equal([5, 9], image.ToGrey());
    }

    [Fact]
    public void APaletteWithTransparencyGivesItsColours()
    {
        var image = Read(PngFiles.Header(4, 1, 2, 3), ("PLTE", [1, 2, 3, 4, 5, 6, 7, 8, 9]), ("tRNS", [0, 128]), PngFiles.Data(0, 0b10010001), PngFiles.End);
        PixelAssert.Equal([7, 8, 9, 4, 5, 6, 1, 2, 3, 4, 5, 6], image);
    }

    [Fact]
    public void SplitImageDataAndWhatFollowsTheEndAreNoMatter()
    {
        var (_, data) = PngFiles.Data(0, 1, 2, 0, 3, 4);
        var file = PngFiles.Of(PngFiles.Header(2, 2), ("IDAT", data[..1]), ("IDAT", []), ("IDAT", data[1..]), PngFiles.End);
        PixelAssert.Equal([1, 2, 3, 4], PixelImage.Decode((byte[])[.. file, 1, 2, 3], "x.png").ToGrey());
    }

    [Fact]
    public void AllThreeTextChunksAreRead()
    {
        var image = Read(
            PngFiles.Header(1, 1),
            ("tEXt", Encoding.Latin1.GetBytes("Title\0déjà vu")),
            ("zTXt", [.. "parameters\0\0"u8, .. PngFiles.Deflate(Encoding.Latin1.GetBytes("a cat\nSteps: 20"))]),
            ("iTXt", [.. "note\0\0\0it\0nota\0"u8, .. "老虎"u8]),
            PngFiles.Data(0, 1),
            ("iTXt", [.. "packed\0\u0001\0\0\0"u8, .. PngFiles.Deflate([.. "🐯"u8])]),
            PngFiles.End);
        Assert.Equal((PictureText[])[new("Title", "déjà vu"), new(PictureText.Parameters, "a cat\nSteps: 20"), new("note", "老虎"), new("packed", "🐯")], image.Texts);
    }

    public static TheoryData<string, byte[]> Bad()
    {
        var (header, data, end) = (PngFiles.Header(2, 1), PngFiles.Data(0, 1, 2), PngFiles.End);
        var good = PngFiles.Of(header, data, end);
        var damaged = (byte[])good.Clone();
        damaged[20]++;
        byte[] checksum = [.. data.Item2[..^1], (byte)~data.Item2[^1]];
        return new()
        {
            { "has checksum", damaged },
            { "without IEND", good[..^12] },
            { "it is truncated", good[..50] },
            { "no chunk begins", [.. good[..33], 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8] },
            { "IHDR once and as the first", PngFiles.Of(data, end) },
            { "IHDR once and as the first", PngFiles.Of(header, header, data, end) },
            { "13", PngFiles.Of(("IHDR", [1, 2]), data, end) },
            { "0x1, expected positive", PngFiles.Of(PngFiles.Header(0, 1), data, end) },
            { "2147483647x2147483647, expected at most", PngFiles.Of(PngFiles.Header(int.MaxValue, int.MaxValue), data, end) },
            { "4294967295x1, expected at most", PngFiles.Of(PngFiles.Header(-1, 1), data, end) },
            { "too few for 10000x10000", PngFiles.Of(PngFiles.Header(10000, 10000, 8, 2), data, end) },
            { "colour type 2 of 4 bits", PngFiles.Of(PngFiles.Header(2, 1, 4, 2), data, end) },
            { "colour type 5 of 8 bits", PngFiles.Of(PngFiles.Header(2, 1, 8, 5), data, end) },
            { "interlace method 2", PngFiles.Of(PngFiles.Header(2, 1, interlace: 2), data, end) },
            { "compression method 1", PngFiles.Of(("IHDR", [0, 0, 0, 2, 0, 0, 0, 1, 8, 0, 1, 0, 0]), data, end) },
            { "filter method 1", PngFiles.Of(("IHDR", [0, 0, 0, 2, 0, 0, 0, 1, 8, 0, 0, 1, 0]), data, end) },
            { "chunk CgBI", PngFiles.Of(header, ("CgBI", []), data, end) },
            { "no palette", PngFiles.Of(PngFiles.Header(2, 1, 8, 3), data, end) },
            { "a palette of 4 bytes", PngFiles.Of(PngFiles.Header(2, 1, 8, 3), ("PLTE", [1, 2, 3, 4]), data, end) },
            { "colour 2, expected one of the palette's 2", PngFiles.Of(PngFiles.Header(2, 1, 8, 3), ("PLTE", new byte[6]), data, end) },
            { "within the image data", PngFiles.Of(header, data, ("tEXt", [.. "a\0b"u8]), data, end) },
            { "too few", PngFiles.Of(header, end) },
            { "ends early", PngFiles.Of(header, PngFiles.Data(0, 1), end) },
            { "truncated", PngFiles.Of(header, ("IDAT", data.Item2[..^6]), end) },
            { "inflated", PngFiles.Of(header, ("IDAT", [1, 2, 3, 4, 5, 6]), end) },
            { "inflated", PngFiles.Of(header, ("IDAT", checksum), end) },
            { "more image data", PngFiles.Of(header, PngFiles.Data(new byte[1 << 20]), end) },
            { "filter 5", PngFiles.Of(header, PngFiles.Data(5, 1, 2), end) },
            { "keyword of 0", PngFiles.Of(header, ("tEXt", [.. "\0b"u8]), data, end) },
            { "within a field", PngFiles.Of(header, ("tEXt", [.. "abc"u8]), data, end) },
            { "ends after its keyword", PngFiles.Of(header, ("zTXt", [.. "abc\0"u8]), data, end) },
            { "'abc' has compression method 3", PngFiles.Of(header, ("zTXt", [.. "abc\0\u0003"u8]), data, end) },
            { "'abc' cannot be inflated", PngFiles.Of(header, ("zTXt", [.. "abc\0\0xyz"u8]), data, end) },
            { "'abc' is no UTF-8", PngFiles.Of(header, ("iTXt", [.. "abc\0\0\0\0\0"u8, 0xc3]), data, end) },
            { "bytes of text", PngFiles.Of(header, ("zTXt", [.. "abc\0\0"u8, .. PngFiles.Deflate(new byte[PngTextChunk.MaxBytes + 1])]), data, end) },
        };
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public void WhatIsWrongIsNamed(string expected, byte[] file)
    {
        var error = Assert.Throws<PeaException>(() => PixelImage.Decode(file, "x.png"));
        Assert.StartsWith("x.png: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void ASizeThatTheDataCannotFillAllocatesNothing()
    {
        var file = PngFiles.Of(PngFiles.Header(10000, 10000, 8, 2), PngFiles.Data(new byte[100]), PngFiles.End);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<PeaException>(() => PixelImage.Decode(file, "x.png"));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void ATextThatInflatesWithoutEndIsGivenUp()
    {
        var bomb = PngFiles.Deflate(new byte[1 << 26]);
        var file = PngFiles.Of(PngFiles.Header(1, 1), ("zTXt", [.. "abc\0\0"u8, .. bomb]), PngFiles.Data(0, 1), PngFiles.End);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<PeaException>(() => PixelImage.Decode(file, "x.png"));
        // A growing buffer's copies and the text: a few times the limit, not the bomb's 64 MiB.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 6L * PngTextChunk.MaxBytes);
    }

    static PixelImage Read(params (string, byte[])[] chunks) => PixelImage.Decode(PngFiles.Of(chunks), "x.png");
}
