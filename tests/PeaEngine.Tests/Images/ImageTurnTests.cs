using PeaEngine.Diffusion.Images;

namespace PeaEngine.Tests.Images;

/// <summary>EXIF's eight orientations.</summary>
public class ImageTurnTests
{
    /// <summary>The picture 1 2 3 / 4 5 6, as it is to be seen when its file says so.</summary>
    [Theory]
    [InlineData(1, 3, new byte[] { 1, 2, 3, 4, 5, 6 })]
    [InlineData(2, 3, new byte[] { 3, 2, 1, 6, 5, 4 })]
    [InlineData(3, 3, new byte[] { 6, 5, 4, 3, 2, 1 })]
    [InlineData(4, 3, new byte[] { 4, 5, 6, 1, 2, 3 })]
    [InlineData(5, 2, new byte[] { 1, 4, 2, 5, 3, 6 })]
    [InlineData(6, 2, new byte[] { 4, 1, 5, 2, 6, 3 })]
    [InlineData(7, 2, new byte[] { 6, 3, 5, 2, 4, 1 })]
    [InlineData(8, 2, new byte[] { 3, 6, 2, 5, 1, 4 })]
    public void UprightTurnsAsTheFileWants(int orientation, int width, byte[] expected)
    {
        PictureText[] texts = [new("Title", "six pixels")];
        var upright = new PixelImage(3, 2, 1, [1, 2, 3, 4, 5, 6]) { Orientation = orientation, Texts = texts }.Upright();
        Assert.Equal((width, 6 / width, 1), (upright.Width, upright.Height, upright.Orientation));
        PixelAssert.Equal(expected, upright);
        Assert.Equal(texts, upright.Texts);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    public void AnUnknownOrientationIsRefused(int orientation) =>
        Assert.Contains($"orientation {orientation}, expected 1 to 8", Assert.Throws<PeaException>(() => new PixelImage(1, 1) { Orientation = orientation }.Upright()).Message, StringComparison.Ordinal);

    [Fact]
    public void ColourStaysWithItsPixelAndTheOrientationWithThePicture()
    {
        var image = new PixelImage(2, 1, 3, [1, 2, 3, 4, 5, 6]) { Orientation = 8 };
        PixelAssert.Equal([4, 5, 6, 1, 2, 3], image.Upright());
        Assert.Equal(8, image.ToGrey().Orientation);
        foreach (var filter in Enum.GetValues<ResampleFilter>()) Assert.Equal(8, image.Resize(3, 3, filter).Orientation);
    }
}
