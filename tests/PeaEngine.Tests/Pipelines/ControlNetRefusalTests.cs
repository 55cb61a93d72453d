using PeaEngine.Diffusion.ControlNet;
using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Tests.Formats;

namespace PeaEngine.Tests.Pipelines;

/// <summary>ControlNets that do not fit, and controls that make no sense: refused before any weight is read.</summary>
public sealed class ControlNetRefusalTests : IDisposable
{
    static readonly string Net = SmallPipeline.ControlNet("sdxl-random");
    static readonly GenerateOptions Options = SmallPipeline.Options;
    static readonly PixelImage Image = new(64, 64);

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("sd15-random/controlnet", "block_out_channels is 16, 16, 32, 32, expected the 16, 32, 32 of ")]
    [InlineData("sdxl-random/model/vae", "_class_name is '\"AutoencoderKL\"', expected \"ControlNetModel\"")]
    [InlineData("sdxl-random/no", "no such folder")]
    public void AControlNetThatDoesNotFitIsRefusedAtOnce(string net, string expected)
    {
        var source = new PipelineSource(SmallPipeline.Sdxl) { ControlNets = [Path.Combine([Repository.Root, "tests", "golden", "pipeline", .. net.Split('/')])] };
        Throws<PeaException>(expected, () => DiffusionPipeline.Check(source, Options with { Controls = [new(Image)] }));
    }

    [Theory]
    [InlineData("cross_attention_dim", "80", "64", "cross_attention_dim is 64, 64, 64, expected the 80, 80, 80 of ")]
    [InlineData("layers_per_block", "2", "1", "layers_per_block is 1, 1, 1, expected the 2, 2, 2 of ")]
    [InlineData("projection_class_embeddings_input_dim", "136", "120", "projection_class_embeddings_input_dim is 120, expected the 136 of ")]
    [InlineData("in_channels", "4", "9", "in_channels is 9, expected the 4 of ")]
    [InlineData("conditioning_channels", "3", "1", "conditioning_channels is 1, expected 3")]
    [InlineData("norm_num_groups", "16", "null", "norm_num_groups is null")]
    public void AConfigurationThatDoesNotFitIsRefusedAtOnce(string key, string old, string other, string expected)
    {
        RewrittenCheckpoint.Copy(Net, folder.At("net"));
        var path = folder.At("net", "config.json");
        var text = File.ReadAllText(path);
        Assert.Contains($"\"{key}\": {old}", text, StringComparison.Ordinal);
        File.WriteAllText(path, text.Replace($"\"{key}\": {old}", $"\"{key}\": {other}", StringComparison.Ordinal));
        Throws<PeaException>(expected, () => DiffusionPipeline.Check(new(SmallPipeline.Sdxl) { ControlNets = [folder.At("net")] }, Options with { Controls = [new(Image)] }));
    }

    [Fact]
    public void ControlsThatMakeNoSenseAreRefused()
    {
        var source = new PipelineSource(SmallPipeline.Sdxl) { ControlNets = [Net] };
        void Refused(string expected, GenerateOptions options) => Throws<OptionException>(expected, () => DiffusionPipeline.Check(source, options));
        Refused("control images: 0 for 1 ControlNets", Options);
        Refused("control images: 2 for 1 ControlNets", Options with { Controls = [new(Image), new(Image)] });
        Refused("control start: 1, expected 0 or more and less than 1", Options with { Controls = [new(Image) { Start = 1 }] });
        Refused("control end: 1.5, expected more than 0 and at most 1", Options with { Controls = [new(Image) { End = 1.5 }] });
        Refused("control start: 0.5, expected less than the control end, 0.5", Options with { Controls = [new(Image) { Start = 0.5, End = 0.5 }] });
        Refused("control scale: NaN, expected a number", Options with { Controls = [new(Image) { Scale = double.NaN }] });
        Refused("canny: -1,5, expected thresholds of 0 or more", Options with { Controls = [new(Image) { Canny = new(-1, 5) }] });
        Refused("guess mode: there is no ControlNet", Options with { GuessMode = true });
        using var backend = Device.Open("cpu", 2);
        using var pipeline = DiffusionPipeline.Load(SmallPipeline.Sdxl, backend);
        Throws<OptionException>("control images: 1 for 0 ControlNets", () => pipeline.Generate(Options with { Controls = [new(Image)] }));
        using var other = ControlNetModel.Load(SmallPipeline.ControlNet("sd15-random"), backend);
        Throws<PeaException>("sd15-random/controlnet: block_out_channels", () => pipeline.UseControlNets(other));
    }

    static void Throws<T>(string expected, Action action) where T : Exception =>
        Assert.Contains(expected, Assert.Throws<T>(action).Message, StringComparison.Ordinal);
}
