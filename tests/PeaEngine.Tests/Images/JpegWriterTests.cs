using System.Security.Cryptography;
using System.Text;
using PeaEngine.Diffusion.Images;

namespace PeaEngine.Tests.Images;

public class JpegWriterTests
{
    /// <summary>The sums of the files that Pillow 9.4 with libjpeg-turbo 2.1 writes of the same pictures.</summary>
    [Theory]
    [InlineData(1, 1, 3, 75, true, "c56656bf110a655cc24116a72c1ff65c1a81bf6f5f4ad871ec554b15d5766c12")]
    [InlineData(7, 5, 3, 75, true, "4e48d8e64702369f2173aedeba02abcd6322b58882fa7f587788db6ce5d90467")]
    [InlineData(16, 16, 3, 75, true, "0b190b1ae6b87582ac86583e736f2d9e43e5b044d5d1947edb57ddda049e5ab3")]
    [InlineData(33, 17, 3, 75, true, "6a3b3a724d2ab8872d2967479a5b4f67bd50e31f251bf79da0757210e421422c")]
    [InlineData(33, 17, 3, 30, false, "f99fbff4b6205427ffc984aca1509389d8376c915892ebbe985fd07adfc45390")]
    [InlineData(24, 40, 3, 100, true, "54835c68909d86bcfeebd44eb820467e811fc1cc1b3bc166cca4a36d1cbf390f")]
    [InlineData(24, 40, 3, 95, false, "17a545c4c80f44c0a78f0fccafb5bc23cb05c1a9e88ab2c8d7f6c25f034b7399")]
    [InlineData(50, 23, 3, 1, true, "bcc4c44572c21de108509a0d1a047f6be307015be769a23bd6c949f1262e35de")]
    [InlineData(50, 23, 1, 75, true, "29b2aca0293d9d8400cdde52e90953022987f6632d3f8dc9b85ba28aa20a2f43")]
    [InlineData(9, 8, 1, 49, true, "38f97f52753c0cd6e56ec6d303e8c2b8ec14b4460a6e4b99e0895fab9a8e6a9c")]
    public void TheBytesArePillows(int width, int height, int channels, int quality, bool subsampling, string sha256) =>
        Assert.Equal(sha256, Convert.ToHexStringLower(SHA256.HashData(Write(Picture(width, height, channels), new() { Quality = quality, Subsampling = subsampling }))));

    [Fact]
    public void TheDefaultsArePillows() =>
        Assert.Equal(Write(Picture(33, 17, 3), new() { Quality = 75, Subsampling = true }), Write(Picture(33, 17, 3), new()));

    /// <summary>dB between a smooth picture and what is left of it; the bounds are just below what libjpeg keeps.</summary>
    [Theory]
    [InlineData(95, false, 46)]
    [InlineData(95, true, 46)]
    [InlineData(75, true, 39)]
    [InlineData(20, true, 33)]
    public void ABetterQualityIsNearerToThePicture(int quality, bool subsampling, double bound)
    {
        var image = new PixelImage(90, 70);
        for (var y = 0; y < image.Height; y++)
            for (var x = 0; x < image.Width; x++)
                for (var c = 0; c < 3; c++) image.Row(y)[3 * x + c] = (byte)(128 + 100 * Math.Sin(x / (14.0 + c)) * Math.Cos(y / (12.0 - c)));
        var back = PixelImage.Decode(Write(image, new() { Quality = quality, Subsampling = subsampling }), "x.jpg");
        var squares = image.Pixels.ToArray().Zip(back.Pixels.ToArray(), (a, b) => Math.Pow(a - b, 2)).Average();
        Assert.InRange(10 * Math.Log10(255 * 255 / squares), bound, bound + 4);
    }

    [Theory]
    [InlineData(3, true, 0x22)]
    [InlineData(3, false, 0x11)]
    [InlineData(1, true, 0x11)]
    public void TheFrameSaysSizeAndSampling(int channels, bool subsampling, byte sampling)
    {
        var file = Write(Picture(300, 21, channels), new() { Subsampling = subsampling }).AsSpan();
        var frame = file[file.IndexOf((ReadOnlySpan<byte>)[0xff, 0xc0])..];
        Assert.Equal([0, (byte)(8 + 3 * channels), 8, 0, 21, 1, 44, (byte)channels, 1, sampling, 0], frame[2..13].ToArray());
        if (channels == 3) Assert.Equal([2, 0x11, 1, 3, 0x11, 1], frame[13..19].ToArray());
        Assert.True(file.StartsWith((byte[])[0xff, 0xd8, 0xff, 0xe0, 0, 16, .. "JFIF\0"u8, 1, 1]));
        Assert.True(file.EndsWith((byte[])[0xff, 0xd9]));
    }

    [Fact]
    public void TextsAndOrientationAreWrittenAndReadBack()
    {
        PictureText[] texts =
        [
            new(PictureText.Parameters, "老虎头, a red panda\nNegative prompt: blur\nSteps: 20, Seed: 7"),
            new(PictureText.Engine, """{"prompt":"老虎头，3D图标 🐯"}"""),
            new(PictureText.Parameters, "another"),
            new("Empty", "x"),
        ];
        var image = Picture(3, 2, 3);
        (image.Texts, image.Orientation) = (texts, 7);
        var file = Write(image, new());
        var back = PixelImage.Decode(file, "x.jpg");
        Assert.Equal(texts, back.Texts);
        Assert.Equal(7, back.Orientation);
        Assert.True(file.AsSpan().IndexOf((byte[])[.. "UNICODE\0"u8, .. Encoding.BigEndianUnicode.GetBytes("老虎头, a red")]) > 0, "parameters are where A1111 has them");
    }

    [Theory]
    [InlineData("a\nb", "x", "keyword")]
    [InlineData("a", "x\0y", "a zero character")]
    public void ATextThatHasNoPlaceIsRefused(string keyword, string text, string message)
    {
        using var file = new MemoryStream();
        var error = Assert.Throws<PeaException>(() => new PixelImage(1, 1) { Texts = [new(keyword, text)] }.SaveJpeg(file, new()));
        Assert.StartsWith("JPEG text", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Equal(0, file.Length);
    }

    [Theory]
    [InlineData(PictureText.Parameters, 32_731, 32_732)]
    [InlineData("Title", 65_527, 65_528)]
    public void ATextMustFitIntoASegment(string keyword, int fits, int tooLong)
    {
        Assert.Equal(fits, PixelImage.Decode(Write(new(1, 1) { Texts = [new(keyword, new string('x', fits))] }, new()), "x.jpg").Texts.Single().Text.Length);
        var error = Assert.Throws<PeaException>(() => Write(new(1, 1) { Texts = [new(keyword, new string('x', tooLong))] }, new()));
        Assert.Contains($"JPEG text '{keyword}': 6553", error.Message, StringComparison.Ordinal);
        Assert.Contains("expected at most 65533", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(101)]
    public void AnUnknownQualityIsRefused(int quality) =>
        Assert.Equal($"JPEG: quality {quality}, expected 1 to 100", Assert.Throws<PeaException>(() => Write(new(1, 1), new() { Quality = quality })).Message);

    [Fact]
    public void ASideLongerThanTheFormatHasIsRefused() =>
        Assert.Equal("JPEG: a size of 65536x1, expected at most 65535 a side", Assert.Throws<PeaException>(() => Write(new(65536, 1), new())).Message);

    static PixelImage Picture(int width, int height, int channels)
    {
        var image = new PixelImage(width, height, channels);
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
                for (var c = 0; c < channels; c++)
                    image.Row(y)[x * channels + c] = (byte)(x * (5 + c) + y * (3 + 2 * c) + (x * y * c >> 3) + (x * 31 + y * 17 + c * 7) % 13 * 4);
        return image;
    }

    static byte[] Write(PixelImage image, JpegOptions options)
    {
        using var file = new MemoryStream();
        image.SaveJpeg(file, options);
        return file.ToArray();
    }
}
