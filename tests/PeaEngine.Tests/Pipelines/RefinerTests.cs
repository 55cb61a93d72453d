using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Pipelines;

namespace PeaEngine.Tests.Pipelines;

/// <summary>What goes round the refiner's pictures.</summary>
public class RefinerTests
{
    static readonly string Refiner = Path.Combine(Repository.Root, "tests", "golden", "pipeline", "sdxl-refiner-random", "model");

    [Fact]
    public void AloneItChangesAnInitImage()
    {
        var image = new PixelImage(64, 64);
        var options = SmallPipeline.Options with { InitImage = image, Strength = 0.5 };
        Assert.NotEqual(SmallPipeline.Draw(Refiner, options), SmallPipeline.Draw(Refiner, options with { AestheticScore = 1 }));
        Assert.NotEqual(SmallPipeline.Draw(Refiner, options), SmallPipeline.Draw(Refiner, options with { NegativeAestheticScore = 6 }));
        var error = Assert.Throws<OptionException>(() => DiffusionPipeline.Check(new(Refiner), SmallPipeline.Options));
        Assert.Contains("does not draw from text alone", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ItGoesOnFromWhatAnInitImageLeft()
    {
        using var backend = Device.Open("cpu", 2);
        using var pipeline = DiffusionPipeline.Load(new PipelineSource(SmallPipeline.Sdxl) { Refiner = Refiner }, backend);
        var options = SmallPipeline.Options with { InitImage = new PixelImage(64, 64), Steps = 10, Strength = 0.5, RefinerStart = 0.6 };
        List<(int Step, int Total)> seen = [];
        pipeline.Generate(options, new Watcher<GenerationProgress>(progress => seen.Add((progress.Step, progress.Total))));
        // Steps 5 of 10 for the model, which strength leaves the second half, and 6 to 9 for the refiner.
        Assert.Equal([.. Enumerable.Range(0, 6).Select(step => (step, 5))], seen);
    }

    [Fact]
    public void WhatDoesNotGoWithItIsNamed()
    {
        var image = new PixelImage(64, 64);
        AssertRefused<OptionException>("refiner start 0.5: there is no refiner", new(SmallPipeline.Sdxl), SmallPipeline.Options with { RefinerStart = 0.5 });
        var source = new PipelineSource(SmallPipeline.Sdxl) { Refiner = Refiner };
        AssertRefused<OptionException>("refiner start: 1, expected a number between 0 and 1", source, SmallPipeline.Options with { RefinerStart = 1 });
        AssertRefused<OptionException>("does not go with inpainting", source, SmallPipeline.Options with { InitImage = image, Mask = image });
        AssertRefused<PeaException>("no SDXL pipeline", source with { Refiner = SmallPipeline.Sd15 }, SmallPipeline.Options);
        AssertRefused<PeaException>("latents of 9 channels", source with { Refiner = SmallPipeline.Inpainting }, SmallPipeline.Options);

        static void AssertRefused<T>(string message, PipelineSource source, GenerateOptions options) where T : Exception =>
            Assert.Contains(message, Assert.Throws<T>(() => DiffusionPipeline.Check(source, options)).Message, StringComparison.Ordinal);
    }
}
