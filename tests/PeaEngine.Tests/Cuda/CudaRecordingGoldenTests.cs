using PeaEngine.Backends;
using PeaEngine.Diffusion.Pipelines;
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

    /// <summary>Two ControlNets, one of them off at both ends: three graphs, of which the last is the first again. The driver is one that does nothing.</summary>
    [NvrtcFact]
    public void AReplayedStepAllocatesNothingAndIsOneLaunch()
    {
        const long ReportBytes = 256;
        const int Steps = 12, OfItsOwn = 3;
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
            Assert.Equal(before.Graphs + 1, after.Graphs);
            // The scheduler's own: what scales, and what steps.
            Assert.InRange(after.Kernels - before.Kernels, 1, OfItsOwn);
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
