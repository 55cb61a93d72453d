using PeaEngine.Diffusion.Images;

namespace PeaEngine.Tests.Images;

/// <summary>What the golden edges do not have: grey pictures, tiny ones, equal thresholds, long edges.</summary>
public class CannyTests
{
    [Fact]
    public void TheOrderOfTheThresholdsDoesNotMatter()
    {
        var image = Noise(40, 30, 3);
        PixelAssert.Equal(Canny.Edges(image, new(200, 600)), Canny.Edges(image, new(600, 200)));
    }

    [Fact]
    public void AGreyPictureHasTheEdgesOfAColouredOneOfEqualChannels()
    {
        var grey = Noise(40, 30, 1);
        var coloured = new PixelImage(40, 30);
        for (var i = 0; i < coloured.Pixels.Length; i++) coloured.Pixels[i] = grey.Pixels[i / 3];
        PixelAssert.Equal(Canny.Edges(coloured, new(100, 300)), Canny.Edges(grey, new(100, 300)));
    }

    /// <summary>|dx| is 4 · 100 on both sides of the step: the left pixel, which is not above its equal neighbour to the right, is the peak.</summary>
    [Theory]
    [InlineData(399, 399, true)]
    [InlineData(399, 400, false)]
    [InlineData(400, 400, false)]
    public void AStepIsAnEdgeOfOnePixelAboveTheThreshold(int low, int high, bool found)
    {
        var image = new PixelImage(6, 4, 1);
        for (var i = 0; i < image.Pixels.Length; i++) image.Pixels[i] = (byte)(i % 6 < 3 ? 50 : 150);
        var edges = Canny.Edges(image, new(low, high));
        for (var i = 0; i < edges.Pixels.Length; i++) Assert.Equal(found && i % 6 == 2 ? 255 : 0, edges.Pixels[i]);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 7)]
    [InlineData(7, 1)]
    [InlineData(2, 2)]
    public void AnyPictureHasEdgesOfItsSize(int width, int height)
    {
        var edges = Canny.Edges(Noise(width, height, 3), new(0, 0));
        Assert.Equal((width, height, 1), (edges.Width, edges.Height, edges.Channels));
        Assert.Equal(0, Canny.Edges(new PixelImage(width, height), new(0, 0)).Pixels.ToArray().Max());
    }

    /// <summary>A weak edge along the whole picture counts where one end of it is strong.</summary>
    [Fact]
    public void AnEdgeIsFollowedHoweverLongItIs()
    {
        const int Length = 200_000;
        var image = new PixelImage(Length, 4, 1);
        for (var y = 2; y < 4; y++) image.Row(y).Fill(60);
        Assert.Equal(0, Found());
        for (var y = 2; y < 4; y++) image.Row(y)[^3..].Fill(255);
        Assert.InRange(Found(), Length, Length + 10);

        int Found() => Canny.Edges(image, new(200, 500)).Pixels.ToArray().Count(value => value == 255);
    }

    static PixelImage Noise(int width, int height, int channels)
    {
        var image = new PixelImage(width, height, channels);
        new Random(3).NextBytes(image.Pixels);
        return image;
    }
}
