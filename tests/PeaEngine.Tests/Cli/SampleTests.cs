using PeaEngine.Cli;
using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Tests.Pipelines;

namespace PeaEngine.Tests.Cli;

/// <summary><c>pea sample</c> when all is well.</summary>
public sealed class SampleTests : IDisposable
{
    static readonly string[] Small = ["--model", SmallPipeline.Sdxl, "--steps", "1", "--width", "64", "--height", "64"];

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void WritesThePictureAndSaysTheSeed()
    {
        var run = CommandLine.Run(["sample", "a cat", .. Small, "--seed", "42", "--output", folder.At("cat.png")]);

        Assert.Equal(ExitCode.Done, run.Code);
        Assert.Equal($"seed 42\nwrote {folder.At("cat.png")}\n", run.Output);
        Assert.Equal(["cat.png"], folder.Files());
        Assert.Equal("a cat", PictureMetadata.Load(folder.At("cat.png"))!.Options.Prompt);
    }

    [Fact]
    public void AJpegIsWrittenWhereTheNameSaysSo()
    {
        var run = CommandLine.Run(["sample", "a cat", .. Small, "--count", "2", "--output", folder.At("cat.jpeg")]);

        Assert.Equal(ExitCode.Done, run.Code);
        Assert.Equal(["cat.0.jpeg", "cat.1.jpeg"], folder.Files());
        Assert.Equal(1, PictureMetadata.Load(folder.At("cat.1.jpeg"))!.Index);
        Assert.Equal([0xff, 0xd8, 0xff], File.ReadAllBytes(folder.At("cat.0.jpeg"))[..3]);
    }

    /// <summary>What convert made of a folder draws what the folder draws, and convert makes the folder again.</summary>
    [Fact]
    public void ASingleFileDrawsWhatItsFolderDraws()
    {
        string file = folder.At("one.safetensors"), again = folder.At("again");
        Assert.Equal(ExitCode.Done, CommandLine.Run("convert", SmallPipeline.Sd15, file).Code);
        Assert.Equal(ExitCode.Done, CommandLine.Run("convert", file, again, "--config", SmallPipeline.Sd15).Code);

        string[] models = ["--model", SmallPipeline.Sd15, "--model", file, "--config", SmallPipeline.Sd15, "--model", again];
        var drawn = new[] { models[..2], models[2..6], models[6..] }.Select(model =>
        {
            Assert.Equal(ExitCode.Done, CommandLine.Run(["sample", "a cat", .. model, "--steps", "1", "--seed", "42", "--output", folder.At("a.png")]).Code);
            return PixelImage.Load(folder.At("a.png")).Pixels.ToArray();
        }).ToList();

        Assert.Equal(drawn[0], drawn[1]);
        Assert.Equal(drawn[0], drawn[2]);
    }

    /// <summary>A photo taken with the camera on its side, and a mask that stands upright.</summary>
    [Fact]
    public void AnInitImageIsTurnedAsItsFileWants()
    {
        new PixelImage(64, 96) { Orientation = 6 }.Save(folder.At("in.jpg"));
        new PixelImage(96, 64).Save(folder.At("mask.png"));
        var run = CommandLine.Run("sample", "--model", SmallPipeline.Sdxl, "--steps", "4", "--json", "--init-image", folder.At("in.jpg"), "--mask", folder.At("mask.png"), "--output", folder.At("a.png"));

        Assert.Equal(ExitCode.Done, run.Code);
        Assert.Equal((96, 64), (run.Json().GetProperty("width").GetInt32(), run.Json().GetProperty("height").GetInt32()));
    }

    [Fact]
    public void SeveralPicturesAreNumberedAndJsonTellsAll()
    {
        var run = CommandLine.Run(["sample", .. Small, "--count", "3", "--json", "--output", folder.At("x.y.PNG"), "--save-latents", folder.At("l.safetensors")]);

        Assert.Equal(ExitCode.Done, run.Code);
        Assert.Equal(["l.safetensors", "x.y.0.PNG", "x.y.1.PNG", "x.y.2.PNG"], folder.Files());
        var json = run.Json();
        Assert.Equal([folder.At("x.y.0.PNG"), folder.At("x.y.1.PNG"), folder.At("x.y.2.PNG")], json.GetProperty("images").EnumerateArray().Select(item => item.GetString()!));
        Assert.Equal((1, 64, 64, folder.At("l.safetensors")),
            (json.GetProperty("steps").GetInt32(), json.GetProperty("width").GetInt32(), json.GetProperty("height").GetInt32(), json.GetProperty("latents").GetString()));
        var first = PictureMetadata.Load(folder.At("x.y.2.PNG"))!;
        Assert.Equal((json.GetProperty("seed").GetUInt64(), 2, 3), (first.Options.Seed, first.Index, first.Options.Count));
        using var latents = GoldenTensors.Open(folder.At("l.safetensors"));
        Assert.Equal([3, 4, 8, 8], latents["latents"].Shape);
    }

    /// <summary>torch takes a negative seed for its two's complement.</summary>
    [Theory]
    [InlineData("-1", "18446744073709551615")]
    [InlineData("18446744073709551615", "18446744073709551615")]
    [InlineData("-9223372036854775808", "9223372036854775808")]
    public void SeedsAreTorchs(string given, string seed)
    {
        var run = CommandLine.Run(["sample", .. Small, "--seed", given, "--output", folder.At("a.png")]);
        Assert.StartsWith($"seed {seed}\n", run.Output, StringComparison.Ordinal);
    }

    /// <summary>The second of two ControlNets sees its image as it is to be seen, the first the edges of its own.</summary>
    [Fact]
    public void ControlImagesPairByOrderAndAreTurnedUpright()
    {
        string[] nets = [SmallPipeline.ControlNet("sdxl-random"), SmallPipeline.ControlNet("sdxl-random", "controlnet2")];
        var image = new PixelImage(64, 64);
        for (var y = 0; y < 64; y++)
            for (var x = 0; x < 64; x++) image.Row(y)[3 * x] = (byte)(x < 20 && y < 40 ? 200 : 0);
        image.Save(folder.At("plain.png"));
        image.Orientation = 6;
        image.Save(folder.At("turned.png"));

        var run = CommandLine.Run(["sample", "a cat", .. Small, "--seed", "3", "--controlnet", nets[0], "--control-image", folder.At("plain.png"), "--canny", "100,200", "--control-scale", "0.7",
            "--controlnet", nets[1], "--control-image", folder.At("turned.png"), "--canny", "none", "--control-scale", "0.9", "--output", folder.At("a.png")]);

        Assert.True(run.Code == ExitCode.Done, run.Error);
        using var backend = Device.Open("cpu", 2);
        using var pipeline = DiffusionPipeline.Load(new PipelineSource(SmallPipeline.Sdxl) { ControlNets = nets }, backend);
        var options = new GenerateOptions { Prompt = "a cat", Steps = 1, Width = 64, Height = 64, Seed = 3 };
        byte[] Draw(PixelImage second) => pipeline.Generate(options with
        {
            Controls = [new(PixelImage.Load(folder.At("plain.png"))) { Scale = 0.7, Canny = new(100, 200) }, new(second) { Scale = 0.9 }],
        })[0].Pixels.Pixels.ToArray();
        var drawn = PixelImage.Load(folder.At("a.png")).Pixels.ToArray();
        Assert.Equal(Draw(image.Upright()), drawn);
        Assert.NotEqual(Draw(image), drawn);
    }

    [Fact]
    public void AnOlderPictureIsReplaced()
    {
        folder.Write("a.png", "something else");
        Assert.Equal(ExitCode.Done, CommandLine.Run(["sample", .. Small, "--output", folder.At("a.png")]).Code);
        Assert.Equal(64, PixelImage.Load(folder.At("a.png")).Width);
        Assert.Equal(["a.png"], folder.Files());
    }

    [Fact]
    public void APromptThatIsTooLongIsToldWithTheEndThatIsLost()
    {
        var words = string.Join(' ', Enumerable.Repeat("cat", 77));
        var run = CommandLine.Run(["sample", words, "--negative-prompt", words + " Dog", .. Small, "--output", folder.At("a.png")]);

        Assert.Equal(ExitCode.Done, run.Code);
        Assert.Matches("(?m)^pea: warning: .* will not see its end: (cat )+cat$", run.Error);
        Assert.Matches("(?m)^pea: warning: .* will not see its end: (cat )+dog$", run.Error);
        Assert.DoesNotContain("warning", CommandLine.Run(["sample", "cat", .. Small, "--output", folder.At("a.png")]).Error, StringComparison.Ordinal);
    }

    /// <summary>The tests' working folder is deep below the repository's.</summary>
    [Fact]
    public void WithoutAModelItFindsTheOneOfTheSamples()
    {
        var run = CommandLine.Run("sample", "red panda, 3D icon", "--steps", "1", "--json", "--output", folder.At("a.png"));
        Assert.Equal(ExitCode.Done, run.Code);
        Assert.EndsWith(Path.Combine("samples", "emoji", "teacher"), PictureMetadata.Load(folder.At("a.png"))!.Source.Model, StringComparison.Ordinal);
    }

    /// <summary>A size that is not given is the init image's, rounded down.</summary>
    [Fact]
    public void TheSizeIsTheInitImages()
    {
        new PixelImage(70, 65).Save(folder.At("in.png"));
        var run = CommandLine.Run("sample", "--model", SmallPipeline.Sdxl, "--steps", "4", "--json", "--init-image", folder.At("in.png"), "--output", folder.At("a.png"));
        Assert.Equal((64, 64), (run.Json().GetProperty("width").GetInt32(), run.Json().GetProperty("height").GetInt32()));
    }
}
