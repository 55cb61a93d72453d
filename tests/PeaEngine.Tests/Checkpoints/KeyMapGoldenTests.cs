using PeaEngine.Diffusion.Checkpoints;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Diffusion.Vae;
using PeaEngine.Formats;
using PeaEngine.Tests.Models;

namespace PeaEngine.Tests.Checkpoints;

/// <summary>The key maps over every architecture there is a golden model of.</summary>
public class KeyMapGoldenTests
{
    public static TheoryData<string> UNets => GoldenFolder.Cases("unet");

    public static TheoryData<string> Vaes => GoldenFolder.Cases("vae");

    /// <summary>Every key has an original name of its own, from which it comes back, and from which the layout is found again.</summary>
    [Theory]
    [MemberData(nameof(UNets))]
    public void UNetNamesGoBothWays(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var layout = UNetLayout.Of(new UNetConfig(ModelFiles.Config("unet", name)));

        var originals = AssertBothWays(ModelFiles.Weights("unet", name), UNetKeys.Map(layout));

        var found = UNetLayout.Of(new KeyModules(originals));
        Assert.Equal(layout.Down, found.Down);
        Assert.Equal(layout.Up, found.Up);
        Assert.Equal((layout.HasMiddle, layout.HasMiddleAttention), (found.HasMiddle, found.HasMiddleAttention));
    }

    [Theory]
    [MemberData(nameof(Vaes))]
    public void VaeNamesGoBothWays(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var layout = VaeLayout.Of(new AutoencoderKLConfig(ModelFiles.Config("vae", name)));

        var originals = AssertBothWays(ModelFiles.Weights("vae", name), VaeKeys.Map(layout));

        Assert.Equal(layout, VaeLayout.Of(new KeyModules(originals)));
    }

    static List<string> AssertBothWays(SafetensorsFile weights, KeyMap map)
    {
        using (weights)
        {
            List<string> originals = [.. weights.Tensors.Keys.Select(key => Assert.IsType<string>(map.ToOriginal(key)))];
            Assert.Equal(originals.Count, originals.Distinct().Count());
            Assert.Equal(weights.Tensors.Keys, originals.Select(key => Assert.Single(map.FindOriginal(key)).Diffusers));
            return originals;
        }
    }
}
