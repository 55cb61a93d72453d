using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Tests.Formats;

namespace PeaEngine.Tests.Pipelines;

/// <summary>What counts memory of the whole process must not run beside other tests.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public class Alone;

/// <summary>Progress, cancellation, memory: all round the picture.</summary>
[Collection(nameof(Alone))]
public sealed class GenerationTests : IDisposable
{
    readonly TemporaryFolder folder = new();
    readonly Backend backend = Device.Open("cpu", 2);

    public void Dispose()
    {
        backend.Dispose();
        folder.Dispose();
    }

    /// <summary>Before the first step (0), in the middle, and in the decoding after the last (4): it ends there, and the pipeline goes on.</summary>
    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(4)]
    public void CancellationEndsWithinOneStepAndLeaksNothing(int at)
    {
        var before = Leaked();
        using (var pipeline = DiffusionPipeline.Load(SmallPipeline.Sdxl, backend))
        {
            var expected = pipeline.Generate(SmallPipeline.Options).Latents;
            using var source = new CancellationTokenSource();
            if (at < 0) source.Cancel();
            var last = -1;

            Assert.ThrowsAny<OperationCanceledException>(() => pipeline.Generate(SmallPipeline.Options, new Watcher<GenerationProgress>(progress =>
            {
                last = progress.Step;
                if (progress.Step == at) source.Cancel();
            }), source.Token));

            Assert.Equal(at, last);
            Assert.Equal(expected, pipeline.Generate(SmallPipeline.Options).Latents);
        }
        Assert.Equal(before, Leaked());
    }

    [Fact]
    public void CancellationReachesTheVaeOfImageToImage()
    {
        using var source = new CancellationTokenSource();
        using var pipeline = DiffusionPipeline.Load(SmallPipeline.Sdxl, backend);
        source.Cancel();
        var space = SmallPipeline.Options with { InitImage = new PixelImage(64, 64), Strength = 1 };
        Assert.ThrowsAny<OperationCanceledException>(() => pipeline.Generate(space, null, source.Token));
    }

    /// <summary>The UNet and the VAE are loaded when the text encoder turns out to be broken.</summary>
    [Fact]
    public void AFailedLoadLeaksNothing()
    {
        var model = SmallPipeline.Copy(folder, SmallPipeline.Sdxl);
        RewrittenCheckpoint.Rename(Path.Combine(model, "text_encoder_2", "model.safetensors"), key => key.Replace("final_layer_norm", "last_norm", StringComparison.Ordinal));
        var before = Leaked();

        var error = Assert.Throws<PeaException>(() => DiffusionPipeline.Load(model, backend));

        Assert.Contains("final_layer_norm", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, Leaked());
    }

    /// <summary>
    /// A step allocates nothing; what a report offers (latents, a preview) costs two small objects and a delegate. One thread does
    /// everything here, so that its count is all there is.
    /// </summary>
    [Theory]
    [InlineData(null)]
    [InlineData("dpmpp-2m-sde-karras")]
    [InlineData("heun")]
    public void AStepAllocatesNothing(string? scheduler)
    {
        const long ReportBytes = 256;
        using var single = Device.Open("cpu", 1);
        using var pipeline = DiffusionPipeline.Load(SmallPipeline.Sdxl, single);
        var options = SmallPipeline.Options with { Steps = 12, Scheduler = scheduler, GuidanceRescale = 0.5 };
        pipeline.Generate(options);
        var allocated = new long[64];

        pipeline.Generate(options, new Watcher<GenerationProgress>(progress => allocated[progress.Step] = GC.GetAllocatedBytesForCurrentThread()));

        for (var step = 3; step <= options.Steps; step++)
            Assert.True(allocated[step] - allocated[step - 1] <= ReportBytes, $"step {step} allocated {allocated[step] - allocated[step - 1]} bytes");
    }

    [Fact]
    public void ReportsCountTheStepsAndThePreviewComesOnlyWhenAskedFor()
    {
        using var pipeline = DiffusionPipeline.Load(SmallPipeline.Sdxl, backend);
        List<(int, int)> steps = [];
        PixelImage? preview = null;
        var latents = new List<float[]>();

        var generation = pipeline.Generate(SmallPipeline.Options with { Count = 2 }, new Watcher<GenerationProgress>(progress =>
        {
            steps.Add((progress.Step, progress.Total));
            Assert.True(progress.Step == 0 ? progress.StepsPerSecond == 0 : progress.StepsPerSecond > 0);
            if (progress.Step < progress.Total) return;
            preview = progress.Preview()[1];
            latents.Add(progress.Latents());
        }));

        Assert.Equal([(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)], steps);
        Assert.Equal(generation[1].Pixels.Pixels.ToArray(), preview!.Pixels.ToArray());
        Assert.Equal(generation.Latents, latents.Single());
    }

    /// <summary>The slab that a run is given is the memory it uses: no more, no less, and no second one.</summary>
    [Fact]
    public void ARunGetsTheMemoryItMeasures()
    {
        static void Body(Pass p)
        {
            var first = p.New([3, 100]);
            using (p.Scratch()) p.New([7, 1000]);
            p.Keep([5]);
            p.Backend.Copy(first, p.New([3, 100]));
        }
        var measured = MeasuredArena.Measure(backend, Body);
        List<(string, long, long)> runs = [];
        MeasuredArena.Run(backend, p =>
        {
            Body(p);
            runs.Add((p.Backend.Name, p.Arena.Capacity, p.Arena.PeakBytes));
        }, default);
        Assert.Equal(2, runs.Count);
        Assert.Equal(("cpu", measured, measured), runs[1]);
        Assert.Equal(Arena.Align(1200) + Arena.Align(28000), measured);
    }

    static long Leaked()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        return Storage.LeakedBytes;
    }
}
