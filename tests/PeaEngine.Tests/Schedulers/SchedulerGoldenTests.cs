using PeaEngine.Diffusion.Schedulers;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Schedulers;

/// <summary>Every scheduler against diffusers: timesteps, sigmas, each model input, each sample, noise where noise was drawn.</summary>
public sealed class SchedulerGoldenTests : IDisposable
{
    readonly Backend backend = Device.Open("cpu", threads: 1);
    readonly List<Storage> storages = [];

    public static TheoryData<string> Cases => GoldenFolder.Cases("scheduler");

    public void Dispose()
    {
        foreach (var storage in storages) storage.Dispose();
        backend.Dispose();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void StepsAsDiffusers(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var golden = GoldenTensors.Open(GoldenFolder.At("scheduler", name, "io.safetensors"));
        var config = JsonConfig.Load(GoldenFolder.At("scheduler", name, "scheduler_config.json"));
        using var scheduler = Scheduler.FromConfig(config);
        scheduler.SetTimesteps(config.Int("num_inference_steps"));

        GoldenTensors.AssertClose(golden["timesteps"], [.. scheduler.Timesteps.Select(t => (float)t)], 1e-6);
        // single precision, whose square roots and powers may differ in the last digits
        Assert.Equal(config.Float("init_noise_sigma"), scheduler.InitNoiseSigma, 1e-5 * config.Float("init_noise_sigma"));
        if (golden.Has("sigmas"))
        {
            GoldenTensors.AssertClose(golden["sigmas"], [.. scheduler.Sigmas], 1e-6);
        }

        var shape = Shape.Create(golden["initial"].Shape);
        Tensor sample = New(shape), scaled = New(shape), output = New(shape);
        backend.Upload(golden["initial"].Values, sample);
        var noise = new RecordedNoise(backend, golden["noise"].Values, (int)shape.Elements);
        var eta = config.Object("step_arguments")?.OptionalFloat("eta");
        for (var step = 0; step < scheduler.Timesteps.Count; step++)
        {
            scheduler.ScaleModelInput(backend, sample, scaled);
            AssertStep("model_input", step, scaled);
            backend.Upload(Row("model_output", step), output);
            noise.Begin(step);
            scheduler.Step(backend, output, sample, new StepArguments(noise, eta));
            AssertStep("samples", step, sample);
            Assert.Equal(noise.IsRecorded, noise.Drawn);
        }
        Assert.Equal(scheduler.Timesteps.Count, scheduler.StepIndex);

        ReadOnlySpan<float> Row(string tensor, int step) => golden[tensor].Values.AsSpan(step * (int)shape.Elements, (int)shape.Elements);
        void AssertStep(string tensor, int step, Tensor actual)
        {
            var values = new float[shape.Elements];
            backend.Download(actual, values);
            // the order of single precision sums differs: 1e-4 of the largest value is the golden files' own bound
            GoldenTensors.AssertClose($"{name} {tensor} {step}", Row(tensor, step), values, 1e-4);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void AddsNoiseAsDiffusers(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var golden = GoldenTensors.Open(GoldenFolder.At("scheduler", name, "io.safetensors"));
        var config = JsonConfig.Load(GoldenFolder.At("scheduler", name, "scheduler_config.json"));
        using var scheduler = Scheduler.FromConfig(config);
        scheduler.SetTimesteps(config.Int("num_inference_steps"));
        var index = scheduler.Timesteps.Count / 2;
        Assert.Equal(golden["add_noise.timestep"].Values[0], scheduler.Timesteps[index], 1e-3);

        var shape = Shape.Create(golden["add_noise.original"].Shape);
        Tensor original = New(shape), noise = New(shape);
        backend.Upload(golden["add_noise.original"].Values, original);
        backend.Upload(golden["add_noise.noise"].Values, noise);
        scheduler.AddNoise(backend, original, noise, noise, index);

        var noisy = new float[shape.Elements];
        backend.Download(noise, noisy);
        GoldenTensors.AssertClose(golden["add_noise.noisy"], noisy, 1e-5);
    }

    Tensor New(Shape shape)
    {
        var storage = backend.Allocate(shape.Elements * sizeof(float));
        storages.Add(storage);
        return new Tensor(storage, 0, shape, DType.F32);
    }

    sealed class RecordedNoise(Backend backend, float[] noise, int elements) : INoiseSource
    {
        int step;

        public bool Drawn { get; private set; }

        /// <summary>Whether diffusers drew noise: where it drew none the record is zero.</summary>
        public bool IsRecorded => Row().ContainsAnyExcept(0f);

        public void Begin(int of) => (step, Drawn) = (of, false);

        public void Fill(Tensor tensor)
        {
            Assert.False(Drawn, $"step {step} draws noise twice");
            Drawn = true;
            backend.Upload(Row(), tensor);
        }

        ReadOnlySpan<float> Row() => noise.AsSpan(step * elements, elements);
    }
}
