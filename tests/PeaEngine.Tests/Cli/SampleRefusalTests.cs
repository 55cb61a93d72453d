using PeaEngine.Cli;
using PeaEngine.Diffusion.Images;
using PeaEngine.Tests.Pipelines;

namespace PeaEngine.Tests.Cli;

/// <summary>What <c>pea sample</c> refuses: one line, the right code, nothing written.</summary>
public sealed class SampleRefusalTests : IDisposable
{
    readonly TemporaryFolder folder = new(), input = new();

    public void Dispose()
    {
        Assert.Empty(folder.Files());
        folder.Dispose();
        input.Dispose();
    }

    [Theory]
    [InlineData("steps: 'abc', expected a whole number", "--steps", "abc")]
    [InlineData("steps: '1.5', expected a whole number", "--steps", "1.5")]
    [InlineData("steps: '99999999999', expected a whole number", "--steps", "99999999999")]
    [InlineData("steps: -3, expected 1 to 1000", "--steps", "-3")]
    [InlineData("steps: 0, expected 1 to 1000", "--steps", "0")]
    [InlineData("guidance: 'nan', expected a number", "--guidance", "nan")]
    [InlineData("guidance: 'Infinity', expected a number", "--guidance", "Infinity")]
    [InlineData("guidance: '7,5', expected a number", "--guidance", "7,5")]
    [InlineData("guidance rescale: 1.5, expected 0 to 1", "--guidance-rescale", "1.5")]
    [InlineData("eta: -1, expected 0 to 1", "--eta", "-1")]
    [InlineData("scheduler 'eulr': expected one of ", "--scheduler", "eulr")]
    [InlineData("steps 51: LCMScheduler takes at most", "--scheduler", "lcm", "--steps", "51")]
    [InlineData("width: 60, expected a multiple of 8", "--width", "60")]
    [InlineData("height: -8, expected 1 to 16384", "--height", "-8")]
    [InlineData("width: 0, expected 1 to 16384", "--width", "0")]
    [InlineData("size: 1 of 16384x16384, expected at most", "--width", "16384", "--height", "16384")]
    [InlineData("original size: '64', expected two whole numbers", "--original-size", "64")]
    [InlineData("crop: '1,x', expected two whole numbers", "--crop", "1,x")]
    [InlineData("clip skip: -1, expected 0 or more", "--clip-skip", "-1")]
    [InlineData("clip skip: 9, expected at most", "--clip-skip", "9")]
    [InlineData("prompt syntax: 'a1111', expected plain or weighted", "--prompt-syntax", "a1111")]
    [InlineData("prompt: the weight '1.2.3', expected a number", "--prompt-syntax", "weighted", "--negative-prompt", "(a:1.2.3)")]
    [InlineData("count: 0, expected 1 to 1024", "--count", "0")]
    [InlineData("threads: 0, expected 1 to 1024", "--threads", "0")]
    [InlineData("device 'tpu': expected cpu, cuda or cuda:N", "--device", "tpu")]
    [InlineData("dtype: F16 on cpu, expected F32: a CPU computes in nothing else", "--dtype", "fp16")]
    [InlineData("dtype: BF16 on cpu, expected F32", "--dtype", "bf16", "--device", "cpu")]
    [InlineData("dtype: 'f16', expected fp32, fp16 or bf16", "--dtype", "f16", "--device", "cuda")]
    [InlineData("seed: 'x', expected a whole number", "--seed", "x")]
    [InlineData("seed: '18446744073709551616', expected a whole number", "--seed", "18446744073709551616")]
    [InlineData("strength 0.5: there is no init image", "--strength", "0.5")]
    [InlineData("'--steps' expects a single argument but 2", "--steps", "3", "--steps", "4")]
    [InlineData("--stepz", "--stepz", "3")]
    public void WrongUsageIsCode2(string message, params string[] arguments) => Sample(arguments).AssertFails(ExitCode.WrongUsage, message);

    [Fact]
    public void AnOutputMustBeAPictureThatCanBeWritten()
    {
        Run("--model", SmallPipeline.Sdxl, "--output", folder.At("a.webp")).AssertFails(ExitCode.WrongUsage, "a.webp', expected a name that ends in .png, .jpg or .jpeg");
        Run("--model", SmallPipeline.Sdxl, "--output", "").AssertFails(ExitCode.WrongUsage, "expected a name that ends in .png");
        Run("--model", SmallPipeline.Sdxl, "--output", folder.At("no", "a.png")).AssertFails(ExitCode.Failed, "a.png: no folder " + folder.At("no"));
        Sample("--save-latents", "").AssertFails(ExitCode.Failed, "expected the name of a file to write");
        Sample("--save-latents", folder.Path).AssertFails(ExitCode.Failed, "a folder, expected the name of a file");
        if (OperatingSystem.IsLinux()) Run("--model", SmallPipeline.Sdxl, "--output", "/proc/a.png").AssertFails(ExitCode.Failed, "/proc/a.png: cannot be written");
    }

    /// <summary>The first bytes fit and the rest do not.</summary>
    [Fact]
    public void AFullDiskIsTold()
    {
        if (!File.Exists("/dev/full")) return;
        var picture = folder.At("a.png");
        var run = CommandLine.Run("sample", "--model", SmallPipeline.Sdxl, "--steps", "1", "--width", "64", "--height", "64", "--output", picture, "--save-latents", "/dev/full");
        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.Contains("pea: /dev/full: cannot be written: No space left on device", run.Error, StringComparison.Ordinal);
        File.Delete(picture);
    }

    [Fact]
    public void PicturesThatAreNotThereOrOfAnotherKindAreNamed()
    {
        Sample("--init-image", input.At("no.png")).AssertFails(ExitCode.Failed, "no.png: cannot be read: no such file");
        File.WriteAllBytes(input.At("photo.png"), [.. "GIF89a"u8]);
        Sample("--init-image", input.At("photo.png")).AssertFails(ExitCode.Failed, "photo.png: a GIF, expected a PNG");
        var image = Picture();
        Sample("--mask", image).AssertFails(ExitCode.WrongUsage, "mask: there is no init image");
        Sample("--init-image", image, "--mask", input.At("no.png")).AssertFails(ExitCode.Failed, "no.png");
        File.WriteAllBytes(input.At("half.png"), File.ReadAllBytes(image)[..60]);
        Sample("--init-image", input.At("half.png")).AssertFails(ExitCode.Failed, "half.png", "truncated");
    }

    [Theory]
    [InlineData("control scale: 'x', expected a number", "--control-scale", "1", "--control-scale", "x")]
    [InlineData("canny: '100', expected two whole numbers with a comma between, such as 100,200, or none", "--canny", "100")]
    [InlineData("canny: '100,2x', expected two whole numbers", "--canny", "100,2x")]
    [InlineData("control scale: there is no ControlNet that it could be for; name one with --controlnet", "--control-scale", "1")]
    [InlineData("canny: there is no ControlNet", "--canny", "100,200")]
    [InlineData("guess mode: there is no ControlNet", "--guess-mode")]
    [InlineData("control image: given 0 times for 1 ControlNets, expected once for each", "--controlnet", "a")]
    [InlineData("control image: given 1 times for 2 ControlNets, expected once for each", "--controlnet", "a", "--controlnet", "b", "--control-image", "c")]
    [InlineData("control start: given 1 times for 2 ControlNets", "--controlnet", "a", "--controlnet", "b", "--control-image", "c", "--control-image", "d", "--control-start", "0.5")]
    [InlineData("'b'", "--controlnet", "a", "b")]
    public void ControlOptionsMustPair(string message, params string[] arguments) => Sample(arguments).AssertFails(ExitCode.WrongUsage, message);

    [Fact]
    public void ControlNetsAndTheirImagesMustBeThere()
    {
        Sample("--controlnet", input.At("net"), "--control-image", input.At("no.png")).AssertFails(ExitCode.Failed, "no.png: cannot be read");
        Sample("--controlnet", input.At("net"), "--control-image", Picture()).AssertFails(ExitCode.Failed, input.At("net"), "no such folder");
        Sample("--controlnet", SmallPipeline.Sdxl, "--control-image", Picture()).AssertFails(ExitCode.Failed, "_class_name", "\"ControlNetModel\"");
    }

    [Fact]
    public void AStrengthMustLeaveAStep()
    {
        var image = Picture();
        Sample("--init-image", image, "--strength", "0").AssertFails(ExitCode.WrongUsage, "strength: 0 of 50 steps leaves none");
        Sample("--init-image", image, "--strength", "0.1", "--steps", "5").AssertFails(ExitCode.WrongUsage, "strength: 0.1 of 5 steps leaves none", "at least 0.2");
        Sample("--init-image", image, "--strength", "1.1").AssertFails(ExitCode.WrongUsage, "strength: 1.1, expected 0 to 1");
    }

    [Fact]
    public void AnInpaintingUNetNeedsImageAndMask()
    {
        Run("--model", SmallPipeline.Inpainting, "--output", folder.At("a.png")).AssertFails(ExitCode.WrongUsage, "takes 9 channels and inpaints; give it an init image and a mask");
        Run("--model", SmallPipeline.Inpainting, "--init-image", Picture(), "--output", folder.At("a.png")).AssertFails(ExitCode.WrongUsage, "give it a mask too");
    }

    [Fact]
    public void AModelThatIsNotThereIsNamed()
    {
        Run("--model", input.At("no"), "--output", folder.At("a.png")).AssertFails(ExitCode.Failed, input.At("no"), "no such folder, expected a model folder");
        Run("--model", Path.Combine(SmallPipeline.Sdxl, "unet"), "--output", folder.At("a.png")).AssertFails(ExitCode.Failed, "unet", "expected model_index.json");
        Sample("--vae", Path.Combine(SmallPipeline.Sdxl, "unet")).AssertFails(ExitCode.Failed, "_class_name", "UNet2DConditionModel", "\"AutoencoderKL\"");
    }

    [Fact]
    public void ASingleFileIsRecognisedOrSaysWhatIsMissing()
    {
        var file = Path.Combine(Repository.Root, "tests", "golden", "single-file", "sdxl-random.safetensors");
        Run("--model", file, "--output", folder.At("a.png")).AssertFails(ExitCode.Failed, file, "SDXL by its keys", "16 channels and 80 text features", "--config");
        Run("--model", file, "--config", SmallPipeline.Sd15, "--output", folder.At("a.png")).AssertFails(ExitCode.Failed, SmallPipeline.Sd15, "no component 'text_encoder_2'");
        Run("--model", file, "--config", input.At("no"), "--output", folder.At("a.png")).AssertFails(ExitCode.Failed, input.At("no"), "no such folder");
        Sample("--config", SmallPipeline.Sdxl).AssertFails(ExitCode.WrongUsage, "config: ", "is no single file");
    }

    [Fact]
    public void DamagedModelsAreNamed()
    {
        Damaged("unet/diffusion_pytorch_model.safetensors", File.Delete).AssertFails(ExitCode.Failed, "unet", "no weights");
        Damaged("text_encoder_2/model.safetensors", Halve).AssertFails(ExitCode.Failed, "text_encoder_2", "model.safetensors");
        Damaged("tokenizer/tokenizer.json", File.Delete).AssertFails(ExitCode.Failed, "tokenizer", "vocab.json");
        Damaged("unet/config.json", path => Replace(path, "\"act_fn\": \"silu\"", "\"act_fn\": \"mish\"")).AssertFails(ExitCode.Failed, "unet", "act_fn", "mish", "silu");
        Damaged("unet/config.json", path => Replace(path, "\"cross_attention_dim\": ", "\"cross_attention_dim\": 1")).AssertFails(ExitCode.Failed, "unet", "expected [");
        Damaged("scheduler/scheduler_config.json", path => Replace(path, "EulerDiscreteScheduler", "FlowScheduler")).AssertFails(ExitCode.Failed, "_class_name", "FlowScheduler");
        Damaged("model_index.json", path => Replace(path, "StableDiffusionXLPipeline", "FluxPipeline")).AssertFails(ExitCode.Failed, "_class_name", "FluxPipeline");
        Damaged("model_index.json", path => Replace(path, "\"_class_name\"", "\"_class\"")).AssertFails(ExitCode.Failed, "_class_name is missing");
        Damaged("vae/config.json", Halve).AssertFails(ExitCode.Failed, "vae", "config.json");
    }

    CommandLine Damaged(string file, Action<string> damage)
    {
        using var copy = new TemporaryFolder();
        var model = SmallPipeline.Copy(copy, SmallPipeline.Sdxl);
        damage(Path.Combine(model, file));
        return Run("--model", model, "--steps", "1", "--output", folder.At("a.png"));
    }

    CommandLine Sample(params string[] arguments) => Run(["--model", SmallPipeline.Sdxl, "--output", folder.At("a.png"), .. arguments]);

    static CommandLine Run(params string[] arguments) => CommandLine.Run(["sample", "a cat", .. arguments]);

    string Picture()
    {
        new PixelImage(64, 64).Save(input.At("in.png"));
        return input.At("in.png");
    }

    static void Halve(string path) => File.WriteAllBytes(path, File.ReadAllBytes(path)[..^(int)(new FileInfo(path).Length / 2)]);

    static void Replace(string path, string old, string other)
    {
        var text = File.ReadAllText(path);
        Assert.Contains(old, text, StringComparison.Ordinal);
        File.WriteAllText(path, text.Replace(old, other, StringComparison.Ordinal));
    }
}
