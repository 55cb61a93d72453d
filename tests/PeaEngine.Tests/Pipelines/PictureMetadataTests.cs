using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Diffusion.Prompts;

namespace PeaEngine.Tests.Pipelines;

/// <summary>What a picture's file says of itself.</summary>
public sealed class PictureMetadataTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>The file alone is enough to draw the same pixels again: also one of several, in any language.</summary>
    [Fact]
    public void DrawsTheSamePictureAgain()
    {
        var options = SmallPipeline.Options with
        {
            Prompt = "老虎头，3D图标 \"tiger\" \\ 🐯\nzweite Zeile",
            NegativePrompt = "",
            PromptSyntax = PromptSyntax.Weighted,
            Scheduler = "ddim-eta1",
            GuidanceRescale = 0.35,
            Guidance = 3.3,
            Seed = ulong.MaxValue,
            Count = 2,
            ClipSkip = 1,
            OriginalSize = new(100, 90),
            CropTopLeft = new(3, 4),
            TargetSize = new(70, 80),
        };
        using var backend = Device.Open("cpu", 2);
        using var pipeline = DiffusionPipeline.Load(SmallPipeline.Sdxl, backend);
        var generation = pipeline.Generate(options);
        generation[1].Save(folder.At("one.png"));

        var metadata = PictureMetadata.Load(folder.At("one.png"))!;

        Assert.Equal((SmallPipeline.Sdxl, 1, null), (metadata.Source.Model, metadata.Index, metadata.InitImageSha256));
        Assert.Equal(options, metadata.Options);
        var again = pipeline.Generate(metadata.Options)[metadata.Index];
        Assert.Equal(generation[1].Pixels.Pixels.ToArray(), again.Pixels.Pixels.ToArray());
        Assert.Equal(generation[1].Pixels.Texts, again.Pixels.Texts);
    }

    /// <summary>Defaults are filled in, so that the picture stays what it is when they change; of images there is a hash.</summary>
    [Fact]
    public void ImageToImageDrawsAgainWithTheImageGivenAgain()
    {
        var image = new PixelImage(64, 64);
        for (var i = 0; i < image.Pixels.Length; i++) image.Pixels[i] = (byte)(i * 7);
        using var backend = Device.Open("cpu", 2);
        using var pipeline = DiffusionPipeline.Load(SmallPipeline.Sdxl, backend);
        var generation = pipeline.Generate(new() { Prompt = "a", InitImage = image, Steps = 10, Seed = 3 });
        generation[0].Save(folder.At("one.png"));

        var metadata = PictureMetadata.Load(folder.At("one.png"))!;

        Assert.Equal((0.3, 5.0, 64, 64), (metadata.Options.Strength, metadata.Options.Guidance, metadata.Options.Width, metadata.Options.Height));
        Assert.Equal(64, metadata.InitImageSha256!.Length);
        Assert.Null(metadata.MaskSha256);
        var again = pipeline.Generate(metadata.Options with { InitImage = image });
        Assert.Equal(generation[0].Values, again[0].Values);
    }

    /// <summary>The pixels of a JPEG are no longer those that were drawn, but what it says of itself is all there.</summary>
    [Fact]
    public void AJpegSaysAllThatAPngDoes()
    {
        using var backend = Device.Open("cpu", 2);
        using var pipeline = DiffusionPipeline.Load(SmallPipeline.Sdxl, backend);
        var picture = pipeline.Generate(SmallPipeline.Options with { Prompt = "老虎头，3D图标 🐯", Steps = 1 })[0];
        picture.Save(folder.At("one.png"));
        picture.Save(folder.At("one.jpg"));

        Assert.Equal(PictureMetadata.Load(folder.At("one.png")), PictureMetadata.Load(folder.At("one.jpg")));
        Assert.Equal(picture.Pixels.Texts, PixelImage.Load(folder.At("one.jpg")).Texts);
    }

    [Fact]
    public void ParametersHaveTheFormThatOtherToolsRead()
    {
        using var backend = Device.Open("cpu", 2);
        using var pipeline = DiffusionPipeline.Load(SmallPipeline.Sdxl, backend);
        var plain = pipeline.Generate(SmallPipeline.Options with { Steps = 1 });
        var full = pipeline.Generate(SmallPipeline.Options with { Steps = 1, Scheduler = "euler-a", NegativePrompt = "blurry", ClipSkip = 1, Eta = 0.5, Guidance = 4.5 });

        Assert.StartsWith("red panda, flat icon\nSteps: 1, Sampler: EulerDiscreteScheduler, CFG scale: 5, Seed: 5, Size: 64x64, Model: model, Version: PeaEngine ",
            Parameters(plain), StringComparison.Ordinal);
        Assert.StartsWith("red panda, flat icon\nNegative prompt: blurry\nSteps: 1, Sampler: euler-a, CFG scale: 4.5, Seed: 5, Size: 64x64, Model: model, Clip skip: 1, Eta: 0.5, ",
            Parameters(full), StringComparison.Ordinal);
    }

    [Fact]
    public void AnotherPngSaysNothingAndABrokenChunkIsNamed()
    {
        new PixelImage(2, 2).Save(folder.At("plain.png"));
        new PixelImage(2, 2) { Texts = [new(PictureText.Engine, """{ "prompt": 3 }""")] }.Save(folder.At("broken.png"));

        Assert.Null(PictureMetadata.Load(folder.At("plain.png")));
        Assert.Contains("broken.png: prompt is '3', expected a string", Assert.Throws<PeaException>(() => PictureMetadata.Load(folder.At("broken.png"))).Message, StringComparison.Ordinal);
    }

    static string Parameters(Generation generation) => generation[0].Pixels.Texts.Single(text => text.Keyword == PictureText.Parameters).Text;
}
