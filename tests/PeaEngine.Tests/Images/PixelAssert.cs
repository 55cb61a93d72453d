using PeaEngine.Diffusion.Images;

namespace PeaEngine.Tests.Images;

/// <summary>Compares pictures to the bit.</summary>
static class PixelAssert
{
    /// <summary>Fails where a byte differs.</summary>
    public static void Equal(byte[] expected, PixelImage actual) => Assert.Equal<byte>(expected, actual.Pixels.ToArray());

    /// <summary>Fails where a byte differs.</summary>
    public static void Equal(PixelImage expected, PixelImage actual) => Equal(expected.Pixels.ToArray(), actual);
}
