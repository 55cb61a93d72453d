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
        Assert.Equal($"x.png: {kind}, expected a PNG or JPEG", Assert.Throws<PeaException>(() => PixelImage.Decode(file, "x.png")).Message);

    [Fact]
    public void AMissingFileIsNamed()
    {
        var error = Assert.Throws<PeaException>(() => PixelImage.Load("/nowhere/x.png"));
        Assert.Equal("/nowhere/x.png: cannot be read: no such file", error.Message);
    }
}
