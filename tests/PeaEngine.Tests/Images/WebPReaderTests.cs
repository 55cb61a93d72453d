using PeaEngine.Diffusion.Images;

namespace PeaEngine.Tests.Images;

/// <summary>WebP pictures, on machines with <c>libwebp</c> and without.</summary>
public class WebPReaderTests
{
    /// <summary>Red, green / blue, white; then the same lying on its side, with a second picture, and cut short.</summary>
    static readonly byte[] Lossless = Convert.FromBase64String("UklGRiwAAABXRUJQVlA4TB8AAAAvAUAAAB8gEEjeHzqN+RcQFPwf3fxHZA/gBgwR/Q8BAA=="),
        Turned = Convert.FromBase64String("UklGRmAAAABXRUJQVlA4WAoAAAAIAAAAAQAAAQAAVlA4TB8AAAAvAUAAAB8gEEjeHzqN+RcQFPwf3fxHZA/gBgwR/Q8BAEVYSUYaAAAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAA="),
        Animated = Convert.FromBase64String("UklGRpYAAABXRUJQVlA4WAoAAAACAAAAAQAAAQAAQU5JTQYAAAAAAAAAAABBTk1GOAAAAAAAAAAAAAEAAAEAAAAAAAJWUDhMHwAAAC8BQAAAHyAQSN4fOo35FxAU/B/d/EdkD+AGDBH9DwEAQU5NRioAAAAAAAAAAAABAAABAAAAAAAAVlA4TBEAAAAvAUAAAAfQhCY0of+BiOh/AAA="),
        SeeThrough = Convert.FromBase64String("UklGRiQAAABXRUJQVlA4TBgAAAAvAQAAEA8wAhf4VwggAAqaAQzRUYGI/gc=");

    static readonly byte[] Pixels = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255];

    /// <summary>Nothing to test where the library is not; the golden test tells what happens then.</summary>
    static bool IsAbsent => LibWebP.Find() == null;

    [Fact]
    public void PixelsAndOrientationAreRead()
    {
        if (IsAbsent) return;
        PixelAssert.Equal(Pixels, PixelImage.Decode(Lossless, "x.webp"));
        var turned = PixelImage.Decode(Turned, "x.webp");
        PixelAssert.Equal(Pixels, turned);
        Assert.Equal(6, turned.Orientation);
    }

    [Fact]
    public void AlphaIsDropped()
    {
        if (IsAbsent) return;
        PixelAssert.Equal([255, 0, 0, 1, 2, 3], PixelImage.Decode(SeeThrough, "x.webp"));
    }

    [Fact]
    public void WhatIsWrongIsNamed()
    {
        if (IsAbsent) return;
        AssertRefused("an animated WebP, expected a still picture", Animated);
        AssertRefused("a WebP of 52 bytes, the file has 51: it is truncated", Lossless[..^1]);
        AssertRefused("libwebp finds no picture: the file is damaged", [.. "RIFF"u8, 4, 0, 0, 0, .. "WEBP"u8]);
        // The right size, then nothing.
        AssertRefused("libwebp cannot decode it", [.. "RIFF"u8, 22, 0, 0, 0, .. Lossless[8..16], 10, 0, 0, 0, .. Lossless[20..30]]);
        // 14 bits each for the width and the height.
        AssertRefused("30 bytes, too few for 8192x8192", [.. "RIFF"u8, 22, 0, 0, 0, .. Lossless[8..16], 10, 0, 0, 0, 0x2f, 0xff, 0xdf, 0xff, 0x07, .. new byte[5]]);
    }

    [Fact]
    public void DamagedFilesAreReadOrRefused()
    {
        if (IsAbsent) return;
        var random = new System.Random(60);
        foreach (var good in (byte[][])[Lossless, Turned, Animated, SeeThrough])
            for (var i = 0; i < 300; i++)
            {
                var file = Damage.Of(good, random);
                if (!WebPReader.Begins(file)) continue;
                try
                {
                    Assert.InRange(PixelImage.Decode(file, "fuzz.webp").Width, 1, 16384);
                }
                catch (PeaException error)
                {
                    Assert.StartsWith("fuzz.webp: ", error.Message, StringComparison.Ordinal);
                }
            }
    }

    static void AssertRefused(string message, byte[] file) =>
        Assert.Contains(message, Assert.Throws<PeaException>(() => PixelImage.Decode(file, "x.webp")).Message, StringComparison.Ordinal);

    [Fact]
    public void WithoutTheLibraryItSaysWhatToDo()
    {
        var error = Assert.Throws<PeaException>(() => WebPReader.Read(Lossless, "x.webp", null));
        Assert.Equal("x.webp: a WebP, which is read with libwebp, and that is not there: install it (Debian: libwebp7, Homebrew: webp, Windows: libwebp.dll on the path) or give a PNG, JPEG or BMP", error.Message);
    }
}
