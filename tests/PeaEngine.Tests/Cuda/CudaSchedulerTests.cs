using PeaEngine.Backends;
using PeaEngine.Diffusion.Schedulers;
using PeaEngine.Formats;
using PeaEngine.Randomness;

namespace PeaEngine.Tests.Cuda;

/// <summary>Schedulers' steps with their coefficients in a tensor, as a denoising step's graph has them: the bits that the CPU gives step by step.</summary>
public class CudaSchedulerTests
{
    const int Steps = 12;

    /// <summary>No multiple of what a vector holds.</summary>
    static readonly Shape Shape = [1, 3, 3, 3];

    /// <summary>What lies at the same addresses from step to step: the first is done, the second recorded, and the others are launched.</summary>
    [NvrtcFact]
    public void EverySchedulersStepsAreTheCpus()
    {
        using var backend = new CudaBackend(CudaTestDevice.Open());
        foreach (var name in SchedulerCatalog.Names)
        {
            using var cpu = new CpuBackend(1);
            var expected = Run(cpu, name, (scheduler, output, sample, scaled, arguments) =>
            {
                scheduler.ScaleModelInput(cpu, sample, scaled);
                scheduler.Step(cpu, output, sample, arguments);
            });
            var ops = new StepOps(backend);
            using var memory = backend.Allocate(StepOps.MostCoefficients * sizeof(float));
            var table = new Tensor(memory, 0, [StepOps.MostCoefficients], DType.F32);
            var recordings = new List<(StepOps.Form Form, Recording Recording)>();
            var steps = 0;
            var actual = Run(backend, name, (scheduler, output, sample, scaled, arguments) =>
            {
                ops.Clear();
                scheduler.NoteScaledInput(ops, sample, scaled);
                scheduler.NoteStep(ops, output, sample, arguments);
                backend.Upload(ops.Coefficients, table);
                var found = recordings.FindIndex(one => ops.Are(one.Form));
                if (found < 0)
                {
                    found = recordings.Count;
                    recordings.Add((ops.ToForm(), backend.Record(() => ops.Run(0, ops.Count, table))));
                }
                recordings[found].Recording.Run();
                steps++;
            });
            foreach (var (_, recording) in recordings) recording.Dispose();
            Assert.True(expected.AsSpan().SequenceEqual(actual), name);
            // Orders that rise and fall, second halves of steps, repeated timesteps: none is longer than the steps that it takes to fill a history and to leave it.
            Assert.True(recordings.Count <= 8, $"{name}: {recordings.Count} graphs for {steps} steps");
        }
    }

    delegate void Step(Scheduler scheduler, Tensor output, Tensor sample, Tensor scaled, StepArguments arguments);

    /// <summary>The sample and the model's input of all steps, with outputs and noise of a generator.</summary>
    static float[] Run(Backend backend, string name, Step step)
    {
        using var scheduler = SchedulerCatalog.Create(name, JsonConfig.Parse("""{ "beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012 }"""u8, "a model"));
        scheduler.SetTimesteps(Steps);
        var generator = new TorchGenerator(5);
        var arguments = new StepArguments(new GeneratorNoise(backend, new TorchGenerator(6)), SchedulerCatalog.Eta(name));
        using var memory = backend.Allocate(1024);
        Tensor output = new(memory, 0, Shape, DType.F32), sample = new(memory, 256, Shape, DType.F32), scaled = new(memory, 512, Shape, DType.F32);
        var values = new float[Shape.Elements];
        generator.Randn(values);
        backend.Upload(values, sample);
        var all = new List<float>();
        for (var i = 0; i < scheduler.Timesteps.Count; i++)
        {
            generator.Randn(values);
            backend.Upload(values, output);
            step(scheduler, output, sample, scaled, arguments);
            foreach (var tensor in (Tensor[])[sample, scaled])
            {
                backend.Download(tensor, values);
                all.AddRange(values);
            }
        }
        return [.. all];
    }
}
