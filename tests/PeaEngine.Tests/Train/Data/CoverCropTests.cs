using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Randomness;
using PeaEngine.Train.Data;

namespace PeaEngine.Tests.Train.Data;

public class CoverCropTests
{
    /// <summary>Sizes that torchvision's Resize is given by the published data set, computed with Python.</summary>
    [Theory]
    [InlineData(1000, 700, 640, 640, 914, 640)]
    [InlineData(700, 1000, 640, 640, 640, 914)]
    [InlineData(500, 500, 832, 448, 832, 832)]
    [InlineData(1919, 1080, 896, 448, 896, 504)]
    [InlineData(640, 640, 640, 640, 640, 640)]
    [InlineData(3, 4, 576, 704, 576, 768)]
    public void CoversWithTheLeast(int width, int height, int toWidth, int toHeight, int expectedWidth, int expectedHeight) =>
        Assert.Equal((expectedWidth, expectedHeight), CoverCrop.Cover(width, height, new(toHeight, toWidth)));

    [Fact]
    public void CropsWhatItSays()
    {
        var picture = PixelImage.Decode(ShardFiles.Picture(90, 50, "picture"), "test");
        PixelSize size = new(32, 40);
        var resized = picture.Resize(57, 32, ResampleFilter.Bilinear);
        var lefts = new HashSet<float>();
        for (var position = 0ul; position < 200; position++)
        {
            var crop = CoverCrop.Apply(picture, size, new Philox(1, 1, position));
            Assert.Equal([50, 90, 0, crop.TimeIds[3], 32, 40], crop.TimeIds);
            var left = (int)crop.TimeIds[3];
            for (var y = 0; y < 32; y++) Assert.True(resized.Row(y).Slice(left * 3, 40 * 3).SequenceEqual(crop.Image.Row(y)));
            lefts.Add(left);
        }
        Assert.Equal(Enumerable.Range(0, 18).Select(left => (float)left), lefts.Order());
    }

    [Fact]
    public void CropsTallPicturesFromTopToBottom()
    {
        var tops = Enumerable.Range(0, 100).Select(i => CoverCrop.Apply(new PixelImage(20, 27), new(20, 20), new Philox(1, 1, (ulong)i)).TimeIds[2]).Distinct().Order();
        Assert.Equal(Enumerable.Range(0, 8).Select(top => (float)top), tops);
    }

    [Fact]
    public void FindsTheNearestAspect()
    {
        var buckets = new AspectBuckets(AspectBuckets.Published);
        Assert.Equal("448x896 448x832 512x768 576x704 640x640 704x576 768x512 832x448 896x448", string.Join(' ', buckets.Sizes));
        for (var i = 0; i < 9; i++) Assert.Equal(i, buckets.Find(buckets.Sizes[i]));
        Assert.Equal(4, buckets.Find(new(1000, 1010)));
        Assert.Equal(0, buckets.Find(new(1000, 10)));
        Assert.Null(buckets.Find(new(1000, 1)));
        Assert.Equal(8, buckets.Find(new(1000, 3999)));
        Assert.Null(buckets.Find(new(1000, 4000)));
    }
}
