using PeaEngine.Backends;
using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Formats;
using PeaEngine.Train;
using PeaEngine.Train.Distillation;
using PeaEngine.Train.Targets;

namespace PeaEngine.Tests.Cuda;

/// <summary>A step of distilling the emojis' model on a GPU.</summary>
public class CudaDistillationTests
{
    const int Side = 4, Tokens = 3;

    static readonly string Samples = Path.Combine(Repository.Root, "samples", "emoji");

    /// <summary>In F32 the gradients of the adapter are the CPU's, as exact as the golden files ask for.</summary>
    [NvrtcFact]
    public void AnEmojisAdapterGradientsAreTheCpus()
    {
        using Emoji cpu = new(Device.Open("cpu", 2)), gpu = new(new CudaBackend(CudaTestDevice.Open()));
        var (expected, actual) = (cpu.Step(cpu.Distiller, 1), gpu.Step(gpu.Distiller, 1));
        Assert.Equal(expected.Loss, actual.Loss, 1e-5 * expected.Loss);
        foreach (var ((name, gradient), (_, other)) in expected.Gradients.Zip(actual.Gradients)) GoldenTensors.AssertClose(name, gradient, other);
    }

    /// <summary>A kind's first step is done kernel by kernel, its second recorded, its third launched: each has the bits of the first, whatever it is given.</summary>
    [NvrtcFact]
    public void ARecordedStepIsTheOneDoneKernelByKernel()
    {
        using var gpu = new Emoji(new CudaBackend(CudaTestDevice.Open(), DType.F16));
        (double Loss, List<(string, float[])> Gradients)[] repeated = [.. new[] { 1, 2, 3 }.Select(seed => gpu.Step(gpu.Distiller, seed))];
        using var fresh = gpu.NewDistiller();
        var eager = gpu.Step(fresh, 3);
        Assert.NotEqual(repeated[0].Loss, repeated[2].Loss);
        Assert.Equal(eager.Loss, repeated[2].Loss);
        foreach (var ((name, expected), (_, actual)) in eager.Gradients.Zip(repeated[2].Gradients))
        {
            Assert.Contains(expected, value => value != 0);
            Assert.True(expected.SequenceEqual(actual), $"{name}: other bits");
        }
    }

    /// <summary>UNet, adapter, and what is done with them.</summary>
    sealed class Emoji : IDisposable
    {
        readonly Backend backend;
        readonly UNet2DConditionModel unet;
        readonly PeaAdapter adapter;
        readonly AdapterTarget target;

        public Emoji(Backend backend)
        {
            this.backend = backend;
            using var weights = SafetensorsFile.Open(Path.Combine(Samples, "teacher", "unet", "diffusion_pytorch_model.safetensors"));
            unet = UNet2DConditionModel.Load(backend, JsonConfig.Load(Path.Combine(Samples, "teacher", "unet", "config.json")), weights);
            adapter = PeaAdapter.Load(Path.Combine(Samples, "initial-adapter.safetensors"), backend, DType.F32);
            target = new(backend, adapter);
            Distiller = NewDistiller();
        }

        public Distiller Distiller { get; }

        public Distiller NewDistiller()
        {
            var random = new Random(0);
            return new(backend, unet, target, [.. Enumerable.Range(0, 1000).Select(i => 1 - i / 1001f)], new(),
                new(Numbers(random, Tokens * adapter.InFeatures), [1, 1, 0], Numbers(random, Tokens * adapter.SequenceFeatures)));
        }

        /// <summary>A caption with an English one, and one without, which is dropped.</summary>
        public (double Loss, List<(string, float[])> Gradients) Step(Distiller distiller, int seed)
        {
            var random = new Random(seed);
            target.Gradients.Clear();
            var loss = distiller.Accumulate(new([2, 4, Side, Side], Numbers(random, 8 * Side * Side), [], [random.Next(1000), random.Next(1000)], Numbers(random, 2 * Tokens * adapter.InFeatures), [1, 1, 1, 1, 1, 0],
                Numbers(random, 2 * Tokens * adapter.SequenceFeatures), Numbers(random, 2 * adapter.PooledFeatures!.Value), [.. Enumerable.Repeat(32f, 12)], [true, false], [true, false])
            {
                Draw = new(7, RandomStream.Noise, [(ulong)seed, (ulong)seed + 100]),
            }, lossScale: backend.ActivationType == DType.F16 ? 1024 : 1);
            return (loss.Total, [.. target.Parameters.Select(parameter =>
            {
                var values = new float[parameter.Gradient.Elements];
                backend.Download(parameter.Gradient, values);
                return (parameter.Name, values);
            })]);
        }

        public void Dispose()
        {
            Distiller.Dispose();
            target.Dispose();
            adapter.Dispose();
            unet.Dispose();
            backend.Dispose();
        }

        static float[] Numbers(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => 2 * random.NextSingle() - 1)];
    }
}
