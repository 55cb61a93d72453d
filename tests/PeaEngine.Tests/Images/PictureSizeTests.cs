using PeaEngine.Diffusion.Images;

namespace PeaEngine.Tests.Images;

/// <summary>The size that a file claims, without its pixels.</summary>
public class PictureSizeTests
{
    [Theory]
    [InlineData("png")]
    [InlineData("jpg")]
    public void DamagedFilesAreReadOrRefused(string ending)
    {
        var stream = new MemoryStream();
        var picture = new PixelImage(37, 21);
        if (ending == "png") picture.SavePng(stream);
        else picture.SaveJpeg(stream, new());
        var good = stream.ToArray();
        Assert.Equal((37, 21), PixelImage.ReadSize(good, "good"));

        var random = new System.Random(9);
        var (read, refused) = (0, 0);
        for (var i = 0; i < 600; i++)
        {
            var bad = Damage.Of(good, random);
            try
            {
                _ = PixelImage.ReadSize(bad, "bad");
                read++;
            }
            catch (PeaException)
            {
                refused++;
                // What has no size has no pixels.
                Assert.Throws<PeaException>(() => PixelImage.Decode(bad, "bad"));
            }
        }
        Assert.InRange(read, 50, 550);
        Assert.InRange(refused, 50, 550);
    }
}
