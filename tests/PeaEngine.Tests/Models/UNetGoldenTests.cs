using PeaEngine.Diffusion.UNet;
using PeaEngine.Formats;

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
        using var unet = UNetFiles.Load(fixture.Backend, name);
        using var io = GoldenTensors.Open(GoldenFolder.At("unet", name, "io.safetensors"));
        var runs = io.Names.Where(key => key.EndsWith(".sample", StringComparison.Ordinal) && !key.Contains("grad")).Select(key => key.Split('.')[0]).ToList();
        Assert.NotEmpty(runs);
        foreach (var run in runs)
        {
            var p = fixture.Pass;
            using var scope = p.Scratch();
            var (sample, timesteps, c) = UNetFiles.Inputs(fixture, unet, io, run);
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
        using var unet = UNetFiles.Load(fixture.Backend, name);
        using var io = GoldenTensors.Open(GoldenFolder.At("unet", name, "io.safetensors"));
        var (sample, timesteps, c) = UNetFiles.Inputs(fixture, unet, io, "a");
        var kept = fixture.Pass.Arena.KeptBytes;
        // Twice: a step leaves the conditioning as it was, and what it kept for itself is released.
        for (var step = 0; step < 2; step++)
        {
            fixture.AssertImage(io["a.output"], unet.Forward(fixture.Pass, sample, timesteps, c));
            Assert.Equal(kept, fixture.Pass.Arena.KeptBytes);
        }
    }
}

/// <summary>Golden UNets and their inputs.</summary>
static class UNetFiles
{
    public static JsonConfig Config(string name) => JsonConfig.Load(GoldenFolder.At("unet", name, "config.json"));

    public static UNet2DConditionModel Load(Backend backend, string name)
    {
        using var weights = SafetensorsFile.Open(GoldenFolder.At("unet", name, "diffusion_pytorch_model.safetensors"));
        return UNet2DConditionModel.Load(backend, Config(name), weights);
    }

    public static (Tensor Sample, Tensor Timesteps, UNetConditioning Conditioning) Inputs(ModelFixture fixture, UNet2DConditionModel unet, GoldenTensors io, string run)
    {
        Tensor? Optional(string name) => io.Has($"{run}.{name}") ? fixture.Upload(io[$"{run}.{name}"]) : null;
        var sample = fixture.UploadImage(io[$"{run}.sample"]);
        var timesteps = fixture.Upload(io[$"{run}.timestep"]);
        var text = fixture.Upload(io[$"{run}.encoder_hidden_states"]);
        return (sample, timesteps, unet.Condition(fixture.Pass, text, Optional("text_embeds"), Optional("time_ids"), Optional("timestep_cond")));
    }
}
