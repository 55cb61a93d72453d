using PeaEngine.Diffusion.UNet;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Models;

/// <summary>Every ControlNet of <c>golden/controlnet</c>: its residuals, also in guess mode, and what its UNet predicts with them.</summary>
public class ControlNetGoldenTests
{
    public static TheoryData<string> Cases => GoldenFolder.Cases("controlnet");

    [Theory, MemberData(nameof(Cases))]
    public void GivesDiffusersResiduals(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var fixture = new ModelFixture();
        var p = fixture.Pass;
        var about = JsonConfig.Load(GoldenFolder.At("controlnet", name, "io.json"));
        using var io = GoldenTensors.Open(GoldenFolder.At("controlnet", name, "io.safetensors"));
        using var net = ModelFiles.LoadControlNet(fixture.Backend, name);
        using var unet = ModelFiles.LoadUNet(fixture.Backend, Path.GetFileName(about.String("unet")));
        Tensor? Optional(string tensor, DType? dtype = null) => io.Has(tensor) ? fixture.Upload(io[tensor], dtype) : null;
        Tensor sample = fixture.UploadImage(io["sample"]), text = fixture.Upload(io["encoder_hidden_states"]), timesteps = p.New([sample.Shape[0]], DType.F32);
        fixture.Backend.Upload(Enumerable.Repeat(io["timestep"].Values[0], sample.Shape[0]).ToArray(), timesteps);
        Tensor? pooled = Optional("text_embeds"), ids = Optional("time_ids", DType.F32);
        var control = net.Condition(p, fixture.UploadImage(io["cond"]), text, pooled, ids);
        var conditioning = unet.Condition(p, text, pooled, ids);
        var kept = p.Arena.KeptBytes;

        foreach (var (prefix, guessMode) in new[] { ("", false), ("guess.", true), ("", false) })
        {
            var residuals = net.Forward(p, sample, timesteps, control, (float)about.Float("conditioning_scale"), guessMode);

            Assert.Equal(io.Names.Count(key => key.StartsWith(prefix + "down.", StringComparison.Ordinal)), residuals.Down.Count);
            for (var i = 0; i < residuals.Down.Count; i++) fixture.AssertImage(io[$"{prefix}down.{i}"], residuals.Down[i]);
            fixture.AssertImage(io[prefix + "mid"], residuals.Mid);
            fixture.AssertImage(io[prefix + "unet_output"], unet.Forward(p, sample, timesteps, conditioning, residuals: residuals));
            // Collecting features, the UNet keeps what it adds to, and predicts the same.
            var features = new UNetFeatures();
            fixture.AssertImage(io[prefix + "unet_output"], unet.Forward(p, sample, timesteps, conditioning, features, residuals));
            var plain = new UNetFeatures();
            unet.Forward(p, sample, timesteps, conditioning, plain);
            Assert.Equal(fixture.Download(plain.Blocks[0].Value), fixture.Download(features.Blocks[0].Value));
            p.Arena.ReleaseKept(kept);
        }
    }
}
