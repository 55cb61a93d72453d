using PeaEngine.Diffusion.Images;

namespace PeaEngine.Tests.Images;

public class VaeImageProcessorTests
{
    [Fact]
    public void EveryByteSurvivesTheWayToNumbersAndBack()
    {
        var image = new PixelImage(16, 16);
        for (var i = 0; i < image.Pixels.Length; i++) image.Pixels[i] = (byte)i;
        var tensor = new float[16 * 16 * 3];
        VaeImageProcessor.Preprocess(image, 16, 16, tensor);
        Assert.Equal((-1f, 1f), (tensor.Min(), tensor.Max()));
        VaeImageProcessor.Denormalize(tensor);
        PixelAssert.Equal(image, VaeImageProcessor.ToImage(tensor, 16, 16));
    }

    [Fact]
    public void ValuesBeyondTheRangeAreClampedAndHalvesGoToTheEvenByte()
    {
        float[] tensor = [-3f, 0f, 3f];
        VaeImageProcessor.Denormalize(tensor);
        Assert.Equal([0f, 0.5f, 1f], tensor);
        // 127.5 to 128, and 0.5 to 0: both even.
        PixelAssert.Equal([128, 0, 255], VaeImageProcessor.ToImage([0.5f, 0.5f / 255f, 1f], 1, 1));
    }

    [Fact]
    public void AMaskIsOneFromHalfBrightnessOn()
    {
        var mask = new PixelImage(3, 1, 3, [127, 127, 127, 128, 128, 128, 255, 0, 0]);
        var tensor = new float[3];
        VaeImageProcessor.PreprocessMask(mask, 3, 1, tensor);
        Assert.Equal([0f, 1f, 0f], tensor);
    }

    [Fact]
    public void GreyIsLuma() => PixelAssert.Equal([76, 150, 29, 255], new PixelImage(4, 1, 3, [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]).ToGrey());

    [Fact]
    public void NearestTakesTheFlooredPosition()
    {
        var source = Enumerable.Range(0, 35).Select(i => (float)i).ToArray();
        var plane = new float[6];
        // Columns 0, 7/3 and 14/3; rows 0 and 5/2, floored.
        VaeImageProcessor.ResizeNearest(source, 7, 5, plane, 3, 2);
        Assert.Equal([0f, 2f, 4f, 14f, 16f, 18f], plane);
    }

    [Fact]
    public void TheDefaultSizeIsRoundedDown() =>
        Assert.Equal((64, 56), VaeImageProcessor.DefaultSize(new PixelImage(71, 56), 8));

    [Fact]
    public void AWrongLengthIsNamed()
    {
        var error = Assert.Throws<PeaException>(() => VaeImageProcessor.Preprocess(new PixelImage(2, 2), 2, 2, new float[3]));
        Assert.Equal("preprocess: 3 elements, expected [2,2,3]", error.Message);
    }

    [Theory]
    [InlineData(0, 4)]
    [InlineData(4, -1)]
    [InlineData(1 << 20, 1 << 20)]
    public void ASizeThatNoPictureHasIsRefused(int width, int height)
    {
        var error = Assert.Throws<PeaException>(() => new PixelImage(2, 2).Resize(width, height));
        Assert.Contains($"{width}x{height}", error.Message, StringComparison.Ordinal);
    }
}
