using PeaEngine.Diffusion.Images;

namespace PeaEngine.Tests.Images;

public class PngWriterTests
{
    [Theory]
    [InlineData(1, 1, 3)]
    [InlineData(1, 9, 1)]
    [InlineData(17, 5, 3)]
    [InlineData(64, 64, 1)]
    [InlineData(200, 130, 3)]
    public void WhatIsWrittenIsReadBack(int width, int height, int channels)
    {
        var image = Noise(width, height, channels);
        var back = Reread(image);
        Assert.Equal((width, height), (back.Width, back.Height));
        PixelAssert.Equal(image, channels == 1 ? back.ToGrey() : back);
    }

    [Fact]
    public void EveryFilterIsUndoneByTheReader()
    {
        var random = new System.Random(3);
        foreach (var step in (int[])[1, 3])
        {
            byte[] row = new byte[30], above = new byte[30], filtered = new byte[30];
            random.NextBytes(row);
            random.NextBytes(above);
            for (var filter = 0; filter < PngFilter.Count; filter++)
            {
                PngFilter.Apply(filter, row, above, step, filtered);
                Assert.True(PngFilter.Undo(filter, filtered, above, step));
                Assert.Equal(row, filtered);
            }
        }
    }

    [Fact]
    public void SmoothPicturesBecomeSmall()
    {
        var image = new PixelImage(256, 256);
        for (var y = 0; y < 256; y++)
            for (var x = 0; x < 256; x++)
                (image.Row(y)[3 * x], image.Row(y)[3 * x + 1], image.Row(y)[3 * x + 2]) = ((byte)x, (byte)y, (byte)((x + y) / 2));
        using var file = new MemoryStream();
        image.SavePng(file);
        // Without filters deflate leaves about a quarter of such gradients; with them, a hundredth.
        Assert.InRange(file.Length, 1, 256 * 256 * 3 / 50);
    }

    [Fact]
    public void TextsAreWrittenInOrderAndReadBack()
    {
        PictureText[] texts =
        [
            new(PictureText.Parameters, "a red panda, café\nNegative prompt: blur\nSteps: 20, Seed: 7"),
            new(PictureText.Engine, """{"prompt":"老虎头，3D图标 🐯"}"""),
            new(PictureText.Parameters, "老虎头\nSteps: 20"),
            new("Empty", ""),
        ];
        var image = Noise(3, 2, 3);
        image.Texts = texts;
        Assert.Equal(texts, Reread(image).Texts);

        using var file = new MemoryStream();
        image.SavePng(file);
        var bytes = file.ToArray().AsSpan();
        Assert.True(bytes.IndexOf("tEXtparameters"u8) > 0, "Latin-1 text is tEXt, which every reader knows");
        Assert.True(bytes.IndexOf("iTXtparameters"u8) > 0, "other text is iTXt");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    public void TheOrientationIsKept(int orientation)
    {
        var image = Noise(3, 2, 3);
        image.Orientation = orientation;
        Assert.Equal(orientation, Reread(image).Orientation);
    }

    [Theory]
    [InlineData("", "x")]
    [InlineData(" a", "x")]
    [InlineData("a  b", "x")]
    [InlineData("老", "x")]
    [InlineData("a\nb", "x")]
    [InlineData("a", "x\0y")]
    public void ATextThatPngHasNoPlaceForIsRefused(string keyword, string text)
    {
        var image = new PixelImage(1, 1) { Texts = [new(keyword, text)] };
        using var file = new MemoryStream();
        var error = Assert.Throws<PeaException>(() => image.SavePng(file));
        Assert.StartsWith("PNG text", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, file.Length);
    }

    [Fact]
    public void AFailedSaveLeavesTheOldFileAndNothingElse()
    {
        var folder = Directory.CreateTempSubdirectory("pea-png-");
        try
        {
            var path = Path.Combine(folder.FullName, "x.png");
            var image = Noise(8, 8, 3);
            image.Save(path);
            var old = File.ReadAllBytes(path);
            image.Texts = [new("", "")];
            Assert.Throws<PeaException>(() => image.Save(path));
            Assert.Equal(old, File.ReadAllBytes(path));
            Assert.Single(folder.GetFiles());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void AFullDiskIsNamed()
    {
        if (!OperatingSystem.IsLinux()) return;
        using var folder = new TemporaryFolder();
        File.CreateSymbolicLink(folder.At("full.png"), "/dev/full");
        var error = Assert.Throws<PeaException>(() => Noise(200, 200, 3).Save(folder.At("full.png")));
        Assert.StartsWith(folder.At("full.png") + ": cannot be written", error.Message, StringComparison.Ordinal);
    }

    static PixelImage Noise(int width, int height, int channels)
    {
        var image = new PixelImage(width, height, channels);
        new System.Random(width * height).NextBytes(image.Pixels);
        return image;
    }

    static PixelImage Reread(PixelImage image)
    {
        using var file = new MemoryStream();
        image.SavePng(file);
        return PixelImage.Decode(file.ToArray(), "x.png");
    }
}
