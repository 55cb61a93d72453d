using PeaEngine.Diffusion.Images;

namespace PeaEngine.Tests.Images;

/// <summary>Damaged files give a picture or a clear error, never anything else.</summary>
public class JpegFuzzTests
{
    const int MutationsPerFile = 150;

    [Fact]
    public void DamagedFilesAreReadOrRefused()
    {
        var random = new System.Random(30);
        var (read, refused) = (0, 0);
        foreach (var good in Seeds())
            for (var i = 0; i < MutationsPerFile; i++)
                try
                {
                    PixelImage.Decode(Damage.Of(good, random), "fuzz.jpg");
                    read++;
                }
                catch (PeaException error)
                {
                    Assert.StartsWith("fuzz.jpg: ", error.Message, StringComparison.Ordinal);
                    Assert.DoesNotContain('\n', error.Message);
                    refused++;
                }
        Assert.InRange(refused, 5 * MutationsPerFile, int.MaxValue);
        // JPEG has no checksums: other coefficients are another picture.
        Assert.InRange(read, MutationsPerFile, int.MaxValue);
    }

    /// <summary>Everything is cut off at every byte.</summary>
    [Fact]
    public void ATruncatedFileIsRefused()
    {
        foreach (var good in Seeds())
            for (var length = 3; length < good.Length - 2; length += 7)
            {
                var error = Assert.Throws<PeaException>(() => PixelImage.Decode(good.AsMemory(0, length), "fuzz.jpg"));
                Assert.Contains("truncated", error.Message, StringComparison.Ordinal);
            }
    }

    static IEnumerable<byte[]> Seeds() =>
        Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests", "PeaEngine.Tests", "Images", "Jpegs"), "*.jpg").Order(StringComparer.Ordinal).Select(File.ReadAllBytes);
}
