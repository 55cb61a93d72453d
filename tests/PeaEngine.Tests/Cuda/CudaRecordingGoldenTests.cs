using PeaEngine.Backends;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Diffusion.Schedulers;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Formats;
using PeaEngine.Randomness;
using PeaEngine.Tests.Models;
using PeaEngine.Tests.Pipelines;
using PeaEngine.VirtualGpu.Blas;
using PeaEngine.VirtualGpu.Driver;

namespace PeaEngine.Tests.Cuda;

/// <summary>A denoising step as a graph: the same bits as without one, whatever lies at its addresses, and next to nothing for the host to do.</summary>
public class CudaRecordingGoldenTests
{
    const string Net = "sdxl";

    /// <summary>Other latents, another timestep and another prompt than those that were recorded.</summary>
    [NvrtcFact]
    public void AReplayedStepIsTheOneDoneKernelByKernel()
    {
        if (GoldenFolder.IsAbsent(Net)) return;
        ModelFixture.With(() => new CudaBackend(CudaTestDevice.Open(), DType.F16), () =>
        {
            using var fixture = new ModelFixture();
            using var unet = ModelFiles.LoadUNet(fixture.Backend, Net);
            using var io = GoldenTensors.Open(GoldenFolder.At("unet", Net, "io.safetensors"));
            var (p, prompt) = (fixture.Pass, io["a.encoder_hidden_states"]);
            var (sample, timesteps, c) = ModelFiles.Inputs(fixture, unet, io, "a");
            var (conditioned, output) = (p.Arena.KeptBytes, p.New(sample.Shape.WithLast(unet.Config.OutChannels)));
            // Until somebody waits nothing is done.
            fixture.Download(timesteps);
            var promptProducts = Products();
            void Predict()
            {
                using var scope = p.Scratch();
                p.Backend.Copy(unet.Forward(p, sample, timesteps, c), output);
            }

            using var recording = fixture.Backend.Record(Predict);
            recording.Run();
            var eager = fixture.Download(output);
            var stepProducts = Products();
            recording.Run();
            Assert.Equal(eager, fixture.Download(output));
            // Keys and values of the prompt are the prompt's alone: two products for each cross-attention.
            var rows = prompt.Shape[0] * prompt.Shape[1];
            if (!CudaTestDevice.IsReal)
            {
                Assert.True(promptProducts.Count(product => product == rows) >= 2);
                Assert.DoesNotContain(rows, stepProducts);
                Assert.Equal(stepProducts, Products());
            }

            p.Arena.ReleaseKept(0);
            var other = unet.Condition(p, fixture.Upload(Shape.Create(prompt.Shape), [.. prompt.Values.Reverse()]), fixture.Upload(io["a.text_embeds"]), fixture.Upload(io["a.time_ids"], DType.F32));
            Assert.Equal(conditioned, p.Arena.KeptBytes);
            fixture.Backend.Upload([.. Enumerable.Repeat(17f, timesteps.Shape[0])], timesteps);
            fixture.Backend.Upload([.. fixture.Download(sample).Reverse()], sample);
            recording.Run();
            var replayed = fixture.Download(output);
            Assert.NotEqual(eager, replayed);
            Predict();
            Assert.Equal(fixture.Download(output), replayed);
            Assert.Equal(c.Batch, other.Batch);
        });
    }

    /// <summary>An emoji's denoising, of which the first step is done as it is, the second recorded and the third launched: each step done alone, which is as it is, leaves the same latents.</summary>
    [NvrtcFact]
    public void AnEmojisStepsLeaveTheSameLatentsAsGraphs()
    {
        const int Steps = 3, Tokens = 8;
        var model = Path.Combine(Repository.Root, "samples", "emoji", "teacher");
        using var backend = new CudaBackend(CudaTestDevice.Open(), DType.F16);
        using var weights = SafetensorsFile.Open(Path.Combine(model, "unet", "diffusion_pytorch_model.safetensors"));
        using var unet = UNet2DConditionModel.Load(backend, JsonConfig.Load(Path.Combine(model, "unet", "config.json")), weights);
        using var scheduler = Scheduler.FromConfig(JsonConfig.Load(Path.Combine(model, "scheduler", "scheduler_config.json")));
        scheduler.SetTimesteps(Steps);
        var generator = new TorchGenerator(3);
        float[] Draw(int count)
        {
            var values = new float[count];
            generator.Randn(values);
            return values;
        }
        var embeddings = new PromptEmbeddings(2, Tokens, Draw(2 * Tokens * unet.Config.CrossAttentionDim[0]), Draw(2 * (unet.Config.ProjectionClassEmbeddingsInputDim - 6 * unet.Config.AdditionTimeEmbedDim)));
        Shape shape = [1, 4, 4, 4];

        var latents = new List<float[]>();
        var drawn = Run(new(0, Steps), [.. Draw((int)shape.Elements).Select(value => value * (float)scheduler.InitNoiseSigma)], latents.Add);

        Assert.Equal(drawn, latents[^1]);
        for (var step = 0; step < Steps; step++) Assert.Equal(latents[step + 1], Run(new(step, step + 1), latents[step], _ => { }));

        float[] Run(StepWindow window, float[] start, Action<float[]> report)
        {
            var input = new DenoisingInput(window, 5, 1, 0.5, 0, embeddings, [.. Enumerable.Repeat(32f, 12)], new(shape, start));
            var meter = new ProgressMeter(new Watcher<GenerationProgress>(progress => report(progress.Latents())), Steps, _ => []);
            return new DenoisingLoop(backend, unet, input, scheduler, new GeneratorNoise(backend, generator)).Run(meter, default);
        }
    }

    /// <summary>Between the blocks of a step that is recorded.</summary>
    [VirtualFact]
    public void ACancelledStepLeavesTheDeviceUsable()
    {
        if (GoldenFolder.IsAbsent("pipeline")) return;
        using var backend = new CudaBackend(new(SilentDriver.Libraries), DType.F16);
        using var pipeline = DiffusionPipeline.Load(SmallPipeline.Sdxl, backend);
        using var cancellation = new CancellationTokenSource();
        pipeline.Generate(SmallPipeline.Options);
        var whole = SilentDriver.KernelLaunches;
        pipeline.Generate(SmallPipeline.Options);
        whole = SilentDriver.KernelLaunches - whole;
        var step = 0;
        // The first step has been done: the next begins to be recorded, and is stopped after some kernels.
        SilentDriver.OnLaunch = () =>
        {
            if (step == 1) cancellation.Cancel();
        };
        try
        {
            Assert.ThrowsAny<OperationCanceledException>(() => pipeline.Generate(SmallPipeline.Options, new Watcher<GenerationProgress>(progress => step = progress.Step), cancellation.Token));
        }
        finally
        {
            SilentDriver.OnLaunch = null;
        }
        Assert.Equal(1, step);
        var before = SilentDriver.KernelLaunches;
        pipeline.Generate(SmallPipeline.Options);
        Assert.Equal(whole, SilentDriver.KernelLaunches - before);
    }

    /// <summary>Two ControlNets, one of them off at both ends: three graphs, of which the last is the first again. The driver is one that does nothing.</summary>
    [VirtualFact]
    public void AReplayedStepAllocatesNothingAndIsOneLaunch()
    {
        const long ReportBytes = 256;
        const int Steps = 12;
        if (GoldenFolder.IsAbsent("pipeline")) return;
        using var backend = new CudaBackend(new(SilentDriver.Libraries), DType.F16);
        var nets = new[] { SmallPipeline.ControlNet("sdxl-random"), SmallPipeline.ControlNet("sdxl-random", "controlnet2") };
        using var pipeline = DiffusionPipeline.Load(new PipelineSource(SmallPipeline.Sdxl) { ControlNets = nets }, backend);
        var image = new Diffusion.Images.PixelImage(64, 64);
        var options = SmallPipeline.Options with { Steps = Steps, Controls = [new(image), new(image) { Start = 0.25, End = 0.75 }] };
        pipeline.Generate(options);
        var seen = new (long Bytes, int Allocations, int Kernels, int Graphs)[Steps + 1];

        pipeline.Generate(options, new Watcher<GenerationProgress>(progress =>
            seen[progress.Step] = (GC.GetAllocatedBytesForCurrentThread(), SilentDriver.Allocations, SilentDriver.KernelLaunches, SilentDriver.GraphLaunches)));

        // The second ControlNet is on from the fourth step to the ninth: each set's first step is done as it is, its second recorded.
        foreach (var step in (int[])[3, 6, 7, 8, 9, 10, 11, 12])
        {
            var (before, after) = (seen[step - 1], seen[step]);
            Assert.True(after.Bytes - before.Bytes <= ReportBytes, $"step {step} allocated {after.Bytes - before.Bytes} bytes");
            Assert.Equal(before.Allocations, after.Allocations);
            Assert.Equal((before.Graphs + 1, before.Kernels), (after.Graphs, after.Kernels));
        }
        Assert.Equal(Steps - 2, seen[Steps].Graphs - seen[0].Graphs);
    }

    /// <summary>The rows of all products since the last call that were cuBLASLt's.</summary>
    static List<int> Products()
    {
        if (CudaTestDevice.IsReal) return [];
        var context = VirtualContext.Current!;
        List<int> rows = [.. context.Launches.Where(launch => launch.Kernel == VirtualBlas.Name).Select(launch => launch.Grid.Y)];
        context.ForgetLaunches();
        return rows;
    }
}
