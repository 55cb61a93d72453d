using PeaEngine.Diffusion.ControlNet;
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
        using var run = new ControlledRun(name);
        foreach (var (prefix, guessMode) in new[] { ("", false), ("guess.", true) })
        {
            var residuals = run.Residuals(guessMode);
            Assert.Equal(run.Io.Names.Count(key => key.StartsWith(prefix + "down.", StringComparison.Ordinal)), residuals.Down.Count);
            for (var i = 0; i < residuals.Down.Count; i++) run.Fixture.AssertImage(run.Io[$"{prefix}down.{i}"], residuals.Down[i]);
            run.Fixture.AssertImage(run.Io[prefix + "mid"], residuals.Mid);
            run.Fixture.AssertImage(run.Io[prefix + "unet_output"], run.Predict(residuals));
            run.Release();
        }
    }

    /// <summary>Collecting features, the UNet keeps what it adds to, and predicts the same; and so it does again after another step.</summary>
    [Theory, MemberData(nameof(Cases))]
    public void FeaturesAreWithoutResiduals(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var run = new ControlledRun(name);
        foreach (var (prefix, guessMode) in new[] { ("", false), ("guess.", true), ("", false) })
        {
            UNetFeatures features = new(), plain = new();
            run.Fixture.AssertImage(run.Io[prefix + "unet_output"], run.Predict(run.Residuals(guessMode), features));
            run.Predict(null, plain);
            Assert.Equal(run.Fixture.Download(plain.Blocks[0].Value), run.Fixture.Download(features.Blocks[0].Value));
            run.Release();
        }
    }

    /// <summary>A golden ControlNet and its UNet, conditioned.</summary>
    sealed class ControlledRun : IDisposable
    {
        readonly ControlNetModel net;
        readonly UNet2DConditionModel unet;
        readonly Tensor sample, timesteps;
        readonly ControlNetConditioning control;
        readonly UNetConditioning conditioning;
        readonly float scale;
        readonly long kept;

        public ControlledRun(string name)
        {
            var about = JsonConfig.Load(GoldenFolder.At("controlnet", name, "io.json"));
            Io = GoldenTensors.Open(GoldenFolder.At("controlnet", name, "io.safetensors"));
            net = ModelFiles.LoadControlNet(Fixture.Backend, name);
            unet = ModelFiles.LoadUNet(Fixture.Backend, Path.GetFileName(about.String("unet")));
            scale = (float)about.Float("conditioning_scale");
            var p = Fixture.Pass;
            Tensor? Optional(string tensor, DType? dtype = null) => Io.Has(tensor) ? Fixture.Upload(Io[tensor], dtype) : null;
            (sample, timesteps) = (Fixture.UploadImage(Io["sample"]), p.New([Io["sample"].Shape[0]], DType.F32));
            Fixture.Backend.Upload(Enumerable.Repeat(Io["timestep"].Values[0], sample.Shape[0]).ToArray(), timesteps);
            Tensor text = Fixture.Upload(Io["encoder_hidden_states"]);
            Tensor? pooled = Optional("text_embeds"), ids = Optional("time_ids", DType.F32);
            control = net.Condition(p, Fixture.UploadImage(Io["cond"]), text, pooled, ids);
            conditioning = unet.Condition(p, text, pooled, ids);
            kept = p.Arena.KeptBytes;
        }

        public ModelFixture Fixture { get; } = new();

        public GoldenTensors Io { get; }

        public UNetResiduals Residuals(bool guessMode) => net.Forward(Fixture.Pass, sample, timesteps, control, scale, guessMode);

        public Tensor Predict(UNetResiduals? residuals, UNetFeatures? features = null) => unet.Forward(Fixture.Pass, sample, timesteps, conditioning, features, residuals);

        /// <summary>Gives back what a step kept.</summary>
        public void Release() => Fixture.Pass.Arena.ReleaseKept(kept);

        public void Dispose()
        {
            unet.Dispose();
            net.Dispose();
            Io.Dispose();
            Fixture.Dispose();
        }
    }
}
