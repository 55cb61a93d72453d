using PeaEngine.Diffusion.UNet;

namespace PeaEngine.Tests.Models;

/// <summary>Every UNet of <c>golden/unet</c>: the prediction and every block's feature, twice with another size and batch.</summary>
public class UNetGoldenTests
{
    public static TheoryData<string> Cases => GoldenFolder.Cases("unet");

    [Theory, MemberData(nameof(Cases))]
    public void PredictsAsDiffusers(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var fixture = new ModelFixture();
        using var unet = ModelFiles.LoadUNet(fixture.Backend, name);
        using var io = GoldenTensors.Open(GoldenFolder.At("unet", name, "io.safetensors"));
        foreach (var run in ModelFiles.Runs(io, "sample"))
        {
            var p = fixture.Pass;
            using var scope = p.Scratch();
            var (sample, timesteps, c) = ModelFiles.Inputs(fixture, unet, io, run);
            var features = new UNetFeatures();
            fixture.AssertImage(io[$"{run}.output"], unet.Forward(p, sample, timesteps, c, features));
            Assert.Equal(io.Names.Count(key => key.StartsWith($"{run}.feature.", StringComparison.Ordinal)), features.Blocks.Count);
            foreach (var (block, feature) in features.Blocks) fixture.AssertImage(io[$"{run}.feature.{block}"], feature);
            p.Arena.ReleaseKept(0);
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void PredictsTheSameWithoutFeatures(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var fixture = new ModelFixture();
        using var unet = ModelFiles.LoadUNet(fixture.Backend, name);
        using var io = GoldenTensors.Open(GoldenFolder.At("unet", name, "io.safetensors"));
        var (sample, timesteps, c) = ModelFiles.Inputs(fixture, unet, io, "a");
        var kept = fixture.Pass.Arena.KeptBytes;
        // Twice: a step leaves the conditioning as it was, and what it kept for itself is released.
        for (var step = 0; step < 2; step++)
        {
            fixture.AssertImage(io["a.output"], unet.Forward(fixture.Pass, sample, timesteps, c));
            Assert.Equal(kept, fixture.Pass.Arena.KeptBytes);
        }
    }
}
