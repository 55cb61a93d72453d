using PeaEngine.Diffusion.Images;

namespace PeaEngine.Tests.Images;

/// <summary>Pictures are what their bytes say, whatever their name.</summary>
public class PictureFileTests
{
    public static TheoryData<string, byte[]> Others() => new()
    {
        { "an empty file", [] },
        { "only the beginning of a PNG", [0x89, (byte)'P'] },
        { "no picture of a known kind", [.. "hello world!"u8] },
        { "a GIF", [.. "GIF89a"u8] },
        { "a TIFF", [.. "II*\0"u8] },
    };

    [Theory]
    [MemberData(nameof(Others))]
    public void AnotherKindIsNamed(string kind, byte[] file) =>
        Assert.Equal($"x.png: {kind}, expected a PNG, JPEG, BMP or WebP", Assert.Throws<PeaException>(() => PixelImage.Decode(file, "x.png")).Message);

    [Fact]
    public void AMissingFileIsNamed()
    {
        var error = Assert.Throws<PeaException>(() => PixelImage.Load("/nowhere/x.png"));
        Assert.Equal("/nowhere/x.png: cannot be read: no such file", error.Message);
    }

    [Fact]
    public void TheNamesEndingIsTheKindThatIsWritten()
    {
        using var folder = new TemporaryFolder();
        var image = new PixelImage(9, 7);
        image.Save(folder.At("a.png"));
        image.Save(folder.At("b.jpg"));
        image.Save(folder.At("c.JPEG"), JpegOptions.Fine);

        Assert.True(File.ReadAllBytes(folder.At("a.png")).AsSpan().StartsWith(PngReader.Signature));
        foreach (var name in (string[])["b.jpg", "c.JPEG"]) Assert.True(File.ReadAllBytes(folder.At(name)).AsSpan().StartsWith(JpegReader.Signature));
        Assert.Equal(9, PixelImage.Load(folder.At("c.JPEG")).Width);
        Assert.Contains("x.webp': expected a name that ends in .png, .jpg or .jpeg", Assert.Throws<PeaException>(() => image.Save(folder.At("x.webp"))).Message, StringComparison.Ordinal);
        Assert.Equal(["a.png", "b.jpg", "c.JPEG"], folder.Files());
    }

    [Fact]
    public void APictureThatLiesOnItsSideIsLoadedUpright()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in (string[])["a.png", "a.jpg"])
        {
            new PixelImage(9, 7) { Orientation = 6 }.Save(folder.At(name));
            var (stored, upright) = (PixelImage.Load(folder.At(name)), PixelImage.LoadUpright(folder.At(name)));
            Assert.Equal((9, 7, 6), (stored.Width, stored.Height, stored.Orientation));
            Assert.Equal((7, 9, 1), (upright.Width, upright.Height, upright.Orientation));
        }
    }
}
