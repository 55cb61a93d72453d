using PeaEngine.Diffusion.Pipelines;

namespace PeaEngine.Tests.Pipelines;

/// <summary>Folders that diffusers can write, and what its pipelines make of them.</summary>
public sealed class PipelineFoldersTests : IDisposable
{
    static readonly GenerateOptions Options = SmallPipeline.Options;

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>diffusers' StableDiffusionPipeline calls other settings outdated and puts these in their place.</summary>
    [Theory]
    [InlineData("PNDMScheduler", "\"skip_prk_steps\": true, \"set_alpha_to_one\": false, \"steps_offset\": 0")]
    [InlineData("PNDMScheduler", "\"skip_prk_steps\": true, \"set_alpha_to_one\": false")]
    [InlineData("DDIMScheduler", "\"set_alpha_to_one\": false, \"steps_offset\": 0, \"clip_sample\": true")]
    [InlineData("DDIMScheduler", "\"set_alpha_to_one\": false")]
    public void SdSchedulersAreCorrected(string name, string settings)
    {
        var model = SmallPipeline.Copy(folder, SmallPipeline.Sd15);
        string Scheduler(string more) => $$"""{ "_class_name": "{{name}}", "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", {{more}} }""";

        folder.Write("model/scheduler/scheduler_config.json", Scheduler(settings));
        var actual = SmallPipeline.Draw(model, Options);
        folder.Write("model/scheduler/scheduler_config.json", Scheduler("\"skip_prk_steps\": true, \"set_alpha_to_one\": false, \"steps_offset\": 1, \"clip_sample\": false"));

        Assert.Equal(SmallPipeline.Draw(model, Options), actual);
    }

    /// <summary>SDXL's pipeline takes the file at its word.</summary>
    [Fact]
    public void SdxlSchedulersAreNot()
    {
        var model = SmallPipeline.Copy(folder, SmallPipeline.Sdxl);
        string Scheduler(int offset) => $$"""{ "_class_name": "DDIMScheduler", "clip_sample": false, "set_alpha_to_one": false, "steps_offset": {{offset}} }""";

        folder.Write("model/scheduler/scheduler_config.json", Scheduler(0));
        var first = SmallPipeline.Draw(model, Options);
        folder.Write("model/scheduler/scheduler_config.json", Scheduler(1));

        Assert.NotEqual(SmallPipeline.Draw(model, Options), first);
    }

    /// <summary>A safety checker, an image encoder and the like are not needed to draw.</summary>
    [Fact]
    public void ComponentsThatAreNotNeededAreIgnored()
    {
        var model = SmallPipeline.Copy(folder, SmallPipeline.Sd15);
        var index = Path.Combine(model, "model_index.json");
        var text = File.ReadAllText(index).Replace("\"requires_safety_checker\": false,", """
            "requires_safety_checker": true, "feature_extractor_2": ["transformers", "CLIPImageProcessor"], "safety_checker_2": ["stable_diffusion", "StableDiffusionSafetyChecker"],
            """, StringComparison.Ordinal);
        File.WriteAllText(index, text);

        Assert.Equal(SmallPipeline.Draw(SmallPipeline.Sd15, Options), SmallPipeline.Draw(model, Options));
    }

    /// <summary>A latent consistency model has no unconditional half, and defaults of its own.</summary>
    [Fact]
    public void ALatentConsistencyModelIsNotGuidedTwice()
    {
        var model = SmallPipeline.Copy(folder, SmallPipeline.Sd15);
        var index = Path.Combine(model, "model_index.json");
        File.WriteAllText(index, File.ReadAllText(index).Replace("\"StableDiffusionPipeline\"", "\"LatentConsistencyModelPipeline\"", StringComparison.Ordinal));
        using var backend = Device.Open("cpu", 2);
        using var pipeline = DiffusionPipeline.Load(model, backend);

        var generation = pipeline.Generate(Options with { Steps = null, Scheduler = "lcm" });

        Assert.Equal(4, generation.Steps);
        Assert.Equal(SmallPipeline.Draw(SmallPipeline.Sd15, Options with { Steps = 4, Scheduler = "lcm", Guidance = 1 }), generation.Latents);
    }

    /// <summary>The default guidance of SDXL's inpainting pipeline is another than that of its siblings.</summary>
    [Fact]
    public void DefaultsAreThoseOfThePipelineOfThatKind()
    {
        var config = PipelineConfig.Read(new(SmallPipeline.Sdxl));
        var image = new PeaEngine.Diffusion.Images.PixelImage(64, 64);
        GenerationPlan text = config.Plan(new()), change = config.Plan(new() { InitImage = image }), inpainting = config.Plan(new() { InitImage = image, Mask = image });

        Assert.Equal((50, 5, 1), (text.Steps, text.Guidance, text.Strength));
        Assert.Equal((50, 5, 0.3), (change.Steps, change.Guidance, change.Strength));
        Assert.Equal((50, 7.5, 0.9999), (inpainting.Steps, inpainting.Guidance, inpainting.Strength));
    }

    /// <summary>Zeros stand for no negative prompt only where the model's index says so.</summary>
    [Fact]
    public void WithoutForcedZerosNoNegativePromptIsTheEmptyOne()
    {
        var model = SmallPipeline.Copy(folder, SmallPipeline.Sdxl);
        var index = Path.Combine(model, "model_index.json");
        File.WriteAllText(index, File.ReadAllText(index).Replace("\"force_zeros_for_empty_prompt\": true", "\"force_zeros_for_empty_prompt\": false", StringComparison.Ordinal));

        var empty = SmallPipeline.Draw(SmallPipeline.Sdxl, Options with { NegativePrompt = "" });

        Assert.Equal(empty, SmallPipeline.Draw(model, Options));
        Assert.NotEqual(empty, SmallPipeline.Draw(SmallPipeline.Sdxl, Options));
    }
}
