using System.Runtime.InteropServices;
using PeaEngine.Backends;
using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Formats;
using PeaEngine.Train;
using PeaEngine.Train.Distillation;
using PeaEngine.Train.Optimizers;
using PeaEngine.Train.Targets;
using PeaEngine.VirtualGpu.Driver;

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

    /// <summary>
    /// A kind's first step, with the optimiser's, is done kernel by kernel, its second recorded, its third launched: each has the bits of the first, whatever it is given. One whose numbers are not finite
    /// changes no bit of what is trained, and halves the loss's scale. In a step nothing is waited for but its numbers, and the next one's inputs come before any of its kernels is done.
    /// </summary>
    [NvrtcFact]
    public void ARecordedStepIsTheOneDoneKernelByKernel()
    {
        using var folder = new TemporaryFolder();
        using var gpu = new Emoji(new CudaBackend(CudaTestDevice.Open(), DType.F16));
        using var optimizer = gpu.NewOptimizer();
        // So few pixels have large gradients.
        SafetensorsWriter.Write(folder.At("state.safetensors"), optimizer.State().Select(tensor => tensor.Info.Name == "optimizer.loss_scale" ? TensorContent.FromBytes(tensor.Info, MemoryMarshal.AsBytes<double>([1024, 0]).ToArray()) : tensor));
        using (var file = SafetensorsFile.Open(folder.At("state.safetensors"))) optimizer.Load(file);
        var first = gpu.Move(gpu.Distiller, optimizer, gpu.Batch(1));
        var moved = Emoji.State(optimizer);
        // The feed of the inputs: it copies the moment that it is told to, and what that has to wait for is done then.
        if (!CudaTestDevice.IsReal) VirtualContext.Current!.Hasten(2);
        var third = gpu.Batch(3);
        var skipped = gpu.Move(gpu.Distiller, optimizer, gpu.Batch(2, latent: float.NaN), third);
        AssertSame(moved, Emoji.State(optimizer));
        SafetensorsWriter.Write(folder.At("state.safetensors"), optimizer.State());
        var last = gpu.Move(gpu.Distiller, optimizer, third, gpu.Batch(4));
        var recorded = Emoji.State(optimizer);
        Assert.Equal([(true, 1024), (false, 1024), (true, 512)], new[] { first, skipped, last }.Select(step => (step.IsApplied, (int)step.LossScale!.Value)));
        Assert.Equal((3, 2), (optimizer.Steps, optimizer.Applied));
        Assert.All(recorded.Zip(moved), pair => Assert.False(pair.First.Bytes.AsSpan().SequenceEqual(pair.Second.Bytes), $"{pair.First.Name} was not moved"));

        using var fresh = gpu.NewDistiller();
        using var resumed = gpu.NewOptimizer();
        using (var file = SafetensorsFile.Open(folder.At("state.safetensors"))) resumed.Load(file);
        Assert.Equal(last, gpu.Move(fresh, resumed, gpu.Batch(3)));
        AssertSame(recorded, Emoji.State(resumed));
    }

    /// <summary>Variances of the teacher's blocks, which all processes add up, are asked for between two recordings, or in several passes by one of its own: the third step is launches alone, with the bits of one done kernel by kernel.</summary>
    [NvrtcTheory, InlineData(1), InlineData(2)]
    public void WithNormalizedFeaturesAStepIsRecordedToo(int passes)
    {
        using var gpu = new Emoji(new CudaBackend(CudaTestDevice.Open(), DType.F16));
        using Distiller repeated = gpu.NewDistiller(normalizes: true), fresh = gpu.NewDistiller(normalizes: true);
        // As a run does: more memory would mean new recordings.
        gpu.Reserve(repeated);
        for (var seed = 1; seed < 3; seed++) gpu.Step(repeated, seed, passes);
        var called = gpu.Called;
        var third = gpu.Step(repeated, 3, passes);
        Assert.Equal(called, gpu.Called);
        var (loss, gradients) = gpu.Step(fresh, 3, passes);
        Assert.NotEqual(called, gpu.Called);
        Assert.Equal(loss, third.Loss);
        foreach (var ((name, expected), (_, actual)) in gradients.Zip(third.Gradients))
        {
            Assert.Contains(expected, value => value != 0);
            Assert.True(expected.SequenceEqual(actual), $"{name}: other bits");
        }
    }

    static void AssertSame(List<(string Name, byte[] Bytes)> expected, List<(string Name, byte[] Bytes)> actual)
    {
        Assert.Equal(expected.Select(each => each.Name), actual.Select(each => each.Name));
        Assert.All(expected.Zip(actual), pair => Assert.True(pair.First.Bytes.AsSpan().SequenceEqual(pair.Second.Bytes), $"{pair.First.Name}: other bits"));
    }

    /// <summary>UNet, adapter, and what is done with them.</summary>
    sealed class Emoji : IDisposable
    {
        readonly Backend backend;
        readonly UNet2DConditionModel unet;
        readonly PeaAdapter adapter;
        readonly CountedTarget target;

        public Emoji(Backend backend)
        {
            this.backend = backend;
            using var weights = SafetensorsFile.Open(Path.Combine(Samples, "teacher", "unet", "diffusion_pytorch_model.safetensors"));
            unet = UNet2DConditionModel.Load(backend, JsonConfig.Load(Path.Combine(Samples, "teacher", "unet", "config.json")), weights);
            adapter = PeaAdapter.Load(Path.Combine(Samples, "initial-adapter.safetensors"), backend, DType.F32);
            target = new(new(backend, adapter), backend);
            Distiller = NewDistiller();
        }

        public Distiller Distiller { get; }

        /// <summary>How often a teacher or a student was told to begin, kernel by kernel or while it was recorded.</summary>
        public int Called => target.Called;

        public Distiller NewDistiller(bool normalizes = false)
        {
            var random = new Random(0);
            return new(backend, unet, target, [.. Enumerable.Range(0, 1000).Select(i => 1 - i / 1001f)], new() { NormalizesFeatures = normalizes },
                new(Numbers(random, Tokens * adapter.InFeatures), [1, 1, 0], Numbers(random, Tokens * adapter.SequenceFeatures)));
        }

        public void Reserve(Distiller distiller) => distiller.Reserve(distiller.Measure(Batch(0)));

        public Optimizer NewOptimizer() =>
            new(backend, target.Parameters, new(new(LearningRateSchedule.Constant, 1e-3, 0, 1, 0, 9)) { MaxGradNorm = 0.1, EmaDecay = 0.9, WeightDecay = 0.1, ScalesLoss = true }, DistillationLoss.Parts);

        /// <summary>The gradients of a step.</summary>
        public (double Loss, List<(string, float[])> Gradients) Step(Distiller distiller, int seed, int passes = 1)
        {
            target.Gradients.Clear();
            var loss = distiller.Accumulate(Batch(seed), passes);
            return (loss.Total, [.. target.Parameters.Select(parameter =>
            {
                var values = new float[parameter.Gradient.Elements];
                backend.Download(parameter.Gradient, values);
                return (parameter.Name, values);
            })]);
        }

        /// <summary>A whole step, which after the first of its kind waits for nothing before its end.</summary>
        public OptimizerStep Move(Distiller distiller, Optimizer optimizer, DistillationBatch batch, DistillationBatch? next = null)
        {
            // All that was given before is done.
            backend.Download(target.Parameters[0].Gradient, new byte[4]);
            var before = VirtualContext.Current?.Launches.Count;
            optimizer.Begin();
            distiller.Accumulate(batch, optimizer.Losses, optimizer.Move, 1, optimizer.LossScale, default);
            if (next != null)
            {
                distiller.Prepare(next);
                Assert.Equal(before, VirtualContext.Current?.Launches.Count);
            }
            var step = optimizer.End();
            if (before is { } count) Assert.InRange(VirtualContext.Current!.Launches.Count - count, 100, int.MaxValue);
            return step;
        }

        /// <summary>What an optimiser moves.</summary>
        public static List<(string Name, byte[] Bytes)> State(Optimizer optimizer) =>
        [
            .. optimizer.State().Where(tensor => tensor.Info.DType == DType.F32).Select(tensor =>
            {
                var bytes = new byte[tensor.Info.Bytes];
                tensor.Read(0, bytes);
                return (tensor.Info.Name, bytes);
            }),
        ];

        /// <summary>A caption with an English one, and one without, which is dropped.</summary>
        public DistillationBatch Batch(int seed, float latent = 0)
        {
            var random = new Random(seed);
            return new([2, 4, Side, Side], [latent, .. Numbers(random, 8 * Side * Side - 1)], [], [random.Next(1000), random.Next(1000)], Numbers(random, 2 * Tokens * adapter.InFeatures), [1, 1, 1, 1, 1, 0],
                Numbers(random, 2 * Tokens * adapter.SequenceFeatures), Numbers(random, 2 * adapter.PooledFeatures!.Value), [.. Enumerable.Repeat(32f, 12)], [true, false], [true, false])
            {
                Draw = new(7, RandomStream.Noise, [(ulong)seed, (ulong)seed + 100]),
            };
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

    /// <summary>Tells how often it is called.</summary>
    sealed class CountedTarget(AdapterTarget inner, Backend backend) : TrainingTarget(backend, inner.Adapter, inner.Gradients, inner.Parameters)
    {
        public int Called { get; private set; }

        public override bool TrainsAdapter => true;

        public override void BeforeTeacher() => Called++;

        public override void BeforeStudent() => Called++;

        public override void Publish(RunFolder folder, IEnumerable<(string Name, Tensor Value)> averages, IReadOnlyDictionary<string, string> metadata) => inner.Publish(folder, averages, metadata);
    }
}
