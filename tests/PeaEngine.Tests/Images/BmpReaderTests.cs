using PeaEngine.Diffusion.Images;

namespace PeaEngine.Tests.Images;

public class BmpReaderTests
{
    /// <summary>Blue, green, red and a byte that means nothing; a core header has three bytes a colour.</summary>
    static readonly byte[] Palette = [3, 2, 1, 0, 6, 5, 4, 0, 9, 8, 7, 0, 12, 11, 10, 0];

    static readonly byte[] A = [1, 2, 3], B = [4, 5, 6], C = [7, 8, 9], D = [10, 11, 12];

    [Theory]
    [InlineData(1, new byte[] { 0b01000000, 0, 0, 0, 0b10100000, 0, 0, 0 })]
    [InlineData(4, new byte[] { 0x01, 0x00, 0, 0, 0x10, 0x10, 0, 0 })]
    [InlineData(8, new byte[] { 0, 1, 0, 0, 1, 0, 1, 0 })]
    public void IndicesAreColoursOfThePalette(int bits, byte[] pixels)
    {
        byte[] expected = [.. B, .. A, .. B, .. A, .. B, .. A];
        PixelAssert.Equal(expected, Decode(BmpFiles.Of(3, 2, bits, pixels, palette: Palette[..8], colours: 2)));
        PixelAssert.Equal([.. expected[9..], .. expected[..9]], Decode(BmpFiles.Of(3, -2, bits, pixels, palette: Palette[..8], colours: 2)));
    }

    [Fact]
    public void ACoreHeaderHasShortFieldsAndColoursOfThreeBytes() =>
        PixelAssert.Equal([.. A, .. B], Decode(BmpFiles.Of(2, 1, 1, [0b01000000, 0, 0, 0], palette: [3, 2, 1, 6, 5, 4], headerBytes: 12)));

    [Theory]
    [InlineData(24, 40, new byte[] { 3, 2, 1, 6, 5, 4, 0, 0 })]
    [InlineData(32, 40, new byte[] { 3, 2, 1, 0, 6, 5, 4, 255 })]
    [InlineData(32, 124, new byte[] { 3, 2, 1, 0, 6, 5, 4, 255 })]
    public void WholeBytesAreBlueGreenRed(int bits, int headerBytes, byte[] pixels) => PixelAssert.Equal([.. A, .. B], Decode(BmpFiles.Of(2, 1, bits, pixels, headerBytes: headerBytes)));

    /// <summary>Five and six bits spread over 0 to 255 and are rounded down.</summary>
    [Fact]
    public void SixteenBitsAreFiveForEachColourUnlessMasksSayOtherwise()
    {
        byte[] pixels = [.. BmpFiles.Bytes(2, 0b0_10000_11111_00001), .. BmpFiles.Bytes(2, 0)];
        byte[] expected = [16 * 255 / 31, 255, 255 / 31, 0, 0, 0];
        PixelAssert.Equal(expected, Decode(BmpFiles.Of(2, 1, 16, pixels)));
        PixelAssert.Equal(expected, Decode(BmpFiles.Of(2, 1, 16, pixels, 3, masks: [0x7c00, 0x3e0, 0x1f])));
        PixelAssert.Equal([16 * 255 / 31, 62 * 255 / 63, 255 / 31], Decode(BmpFiles.Of(1, 1, 16, [.. BmpFiles.Bytes(2, 0b10000_111110_00001), 0, 0], 3, masks: [0xf800, 0x7e0, 0x1f])));
    }

    [Theory]
    [InlineData(40, 3)]
    [InlineData(40, 6)]
    [InlineData(56, 3)]
    [InlineData(108, 3)]
    public void MasksFollowTheHeaderOrAreInIt(int headerBytes, int compression) =>
        PixelAssert.Equal([.. A, .. B], Decode(BmpFiles.Of(2, 1, 32, [1, 2, 3, 200, 4, 5, 6, 100], compression, masks: [0xff, 0xff00, 0xff0000, 0xff000000], headerBytes: headerBytes)));

    [Fact]
    public void MasksOfAnyWidthAreRead() =>
        PixelAssert.Equal([255, 512 * 255 / 1023, 0], Decode(BmpFiles.Of(1, 1, 32, BmpFiles.Bytes(4, (1023 << 20) | (512 << 10)), 3, masks: [1023u << 20, 1023 << 10, 1023])));

    /// <summary>Runs, pixels as they are with their filling, a jump, the ends of a line and of the picture.</summary>
    [Fact]
    public void RunsOfEightBits()
    {
        byte[] bottom = [3, 1, 2, 0, 0, 0], middle = [0, 3, 1, 2, 3, 0, 0, 2, 1, 0, 1, 3, 0, 0], top = [1, 3, 0, 1];
        PixelAssert.Equal(
            [.. D, .. A, .. A, .. A, .. A, .. B, .. C, .. D, .. A, .. D, .. B, .. B, .. B, .. A, .. A],
            Decode(BmpFiles.Of(5, 3, 8, [.. bottom, .. middle, .. top], 1, Palette, colours: 4)));
    }

    /// <summary>Two colours in turns; a run goes no farther than its row.</summary>
    [Fact]
    public void RunsOfFourBits()
    {
        byte[] bottom = [9, 0x12, 0, 0], top = [0, 3, 0x32, 0x10, 0, 0];
        PixelAssert.Equal([.. D, .. C, .. B, .. A, .. A, .. B, .. C, .. B, .. C, .. B], Decode(BmpFiles.Of(5, 2, 4, [.. bottom, .. top], 2, Palette, colours: 4)));
    }

    /// <summary>A header that does not count its colours, and pixels right after four of them.</summary>
    [Fact]
    public void APaletteEndsWhereThePixelsBegin() => PixelAssert.Equal([.. D, .. A], Decode(BmpFiles.Of(2, 1, 8, [3, 0, 0, 0], palette: Palette)));

    public static TheoryData<string, byte[]> Bad()
    {
        var good = BmpFiles.Of(2, 1, 24, [3, 2, 1, 6, 5, 4, 0, 0]);
        return new()
        {
            { "within the header", good[..30] },
            { "a BMP header of 41 bytes", BmpFiles.Of(2, 1, 24, new byte[8], headerBytes: 41) },
            { "7 bytes of pixels, too few for 2x1", good[..^1] },
            { "before the pixels", BmpFiles.Of(2, 1, 8, new byte[4], palette: Palette, colours: 4)[..60] },
            { "0x1, expected positive", BmpFiles.Of(0, 1, 24, []) },
            { "65536x65536, expected at most", BmpFiles.Of(65536, 65536, 24, []) },
            { "2147483648, expected at most", BmpFiles.Of(1, int.MinValue, 24, []) },
            { "-1x1, expected positive", BmpFiles.Of(-1, 1, 24, []) },
            { "too few for 10000x10000", BmpFiles.Of(10000, 10000, 1, new byte[100], palette: Palette[..8]) },
            { "too few for 10000x10000", BmpFiles.Of(10000, 10000, 8, new byte[100], 1, Palette, colours: 4) },
            { "of 2 bits with compression 0", BmpFiles.Of(2, 1, 2, new byte[8]) },
            { "of 8 bits with compression 2", BmpFiles.Of(2, 1, 8, new byte[8], 2) },
            { "with compression 4", BmpFiles.Of(2, 1, 24, new byte[8], 4) },
            { "with compression 3", BmpFiles.Of(2, 1, 16, new byte[8], 3, headerBytes: 64) },
            { "within the bit masks", BmpFiles.Of(2, 1, 16, [], 3) },
            { "bit mask 5, expected up to 16 ones in a row within 16 bits", BmpFiles.Of(2, 1, 16, new byte[8], 3, masks: [5, 2, 8]) },
            { "bit mask 10000, expected", BmpFiles.Of(2, 1, 16, new byte[8], 3, masks: [0x10000, 2, 8]) },
            { "bit mask 1ffff, expected", BmpFiles.Of(2, 1, 32, new byte[8], 3, masks: [0x1ffff, 0, 0]) },
            { "a pixel of colour 2, expected one of the palette's 2", BmpFiles.Of(1, 1, 8, [2, 0, 0, 0], palette: Palette[..8], colours: 2) },
            { "the pixels end early", BmpFiles.Of(2, 2, 8, [2, 0, 0, 0], 1, Palette, colours: 4) },
            { "the pixels end early", BmpFiles.Of(2, 2, 8, [0, 2, 1], 1, Palette, colours: 4) },
            { "the pixels end early", BmpFiles.Of(2, 2, 8, [0, 3, 1, 1], 1, Palette, colours: 4) },
        };
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public void WhatIsWrongIsNamed(string expected, byte[] file)
    {
        var error = Assert.Throws<PeaException>(() => PixelImage.Decode(file, "x.bmp"));
        Assert.StartsWith("x.bmp: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void ASizeThatTheDataCannotFillAllocatesNothing(int compression)
    {
        var file = BmpFiles.Of(10000, 10000, 8, new byte[100], compression, Palette, colours: 4);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<PeaException>(() => PixelImage.Decode(file, "x.bmp"));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void DamagedFilesAreReadOrRefused()
    {
        var random = new System.Random(50);
        byte[] noise = new byte[400], full = new byte[1024];
        random.NextBytes(noise);
        byte[][] seeds =
        [
            BmpFiles.Of(9, 7, 1, noise, palette: Palette[..8]), BmpFiles.Of(9, 7, 4, noise, palette: full[..64]), BmpFiles.Of(9, -7, 8, noise, palette: full), BmpFiles.Of(9, 7, 16, noise),
            BmpFiles.Of(9, 7, 24, noise), BmpFiles.Of(9, 7, 32, noise, 3, masks: [0xff, 0xff00, 0xff0000]), BmpFiles.Of(9, 7, 8, noise, 1, full), BmpFiles.Of(9, 7, 4, noise, 2, full[..64]),
            BmpFiles.Of(9, 7, 24, noise, headerBytes: 12), BmpFiles.Of(9, 7, 32, noise, 3, masks: [0xff, 0xff00, 0xff0000, 0xff000000], headerBytes: 124),
        ];
        var (read, refused) = (0, 0);
        foreach (var good in seeds)
            for (var i = 0; i < 300; i++)
                try
                {
                    var file = Damage.Of(good, random);
                    if (!file.AsSpan().StartsWith(BmpReader.Signature)) continue;
                    PixelImage.Decode(file, "fuzz.bmp");
                    read++;
                }
                catch (PeaException error)
                {
                    Assert.StartsWith("fuzz.bmp: ", error.Message, StringComparison.Ordinal);
                    Assert.DoesNotContain('\n', error.Message);
                    refused++;
                }
        Assert.InRange(refused, 300, int.MaxValue);
        Assert.InRange(read, 300, int.MaxValue);
    }

    static PixelImage Decode(byte[] file) => PixelImage.Decode(file, "x.bmp");
}
