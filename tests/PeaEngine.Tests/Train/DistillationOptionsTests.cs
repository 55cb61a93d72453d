using PeaEngine.Backends;
using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Randomness;
using PeaEngine.Tests.Train.Data;
using PeaEngine.Train;
using PeaEngine.Train.Distillation;
using PeaEngine.Train.Targets;

namespace PeaEngine.Tests.Train;

/// <summary>What each option does to the loss, by the formula in double, and that the gradient is that loss's: along it, the loss changes by its square.</summary>
public sealed class DistillationOptionsTests : IDisposable
{
    const int Side = 8, StudentTokens = 7, TeacherTokens = 5;

    readonly Backend backend = Device.Open("cpu", 2);
    readonly DiffusionPipeline teacher;
    readonly PeaAdapter adapter;
    readonly DistillationBatch batch;
    readonly UnconditionalText none;

    public DistillationOptionsTests()
    {
        teacher = DiffusionPipeline.Load(CacheFixture.Teacher, backend);
        adapter = PeaAdapter.Load(Path.Combine(Repository.Root, "samples", "emoji", "initial-adapter.safetensors"), backend, DType.F32);
        var random = new Random(7);
        float[] Normals(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
        // Timesteps on both sides of γ = 5; every pairing of z and dropout.
        int[] timesteps = [20, 400, 999, 150, 50, 300];
        bool[] isCultural = [false, true, false, false, true, false], drops = [false, false, true, false, true, true];
        batch = new([6, 4, Side, Side], Normals(6 * 4 * Side * Side), Normals(6 * 4 * Side * Side), timesteps, Normals(6 * StudentTokens * adapter.InFeatures), [.. Enumerable.Repeat((byte)1, 6 * StudentTokens)],
            Normals(6 * TeacherTokens * adapter.SequenceFeatures), Normals(6 * adapter.PooledFeatures!.Value), [.. Enumerable.Repeat(64f, 36)], isCultural, drops);
        none = new(Normals(StudentTokens * adapter.InFeatures), [.. Enumerable.Repeat((byte)1, StudentTokens)], Normals(TeacherTokens * adapter.SequenceFeatures), Normals(adapter.PooledFeatures!.Value));
    }

    public static TheoryData<string, DistillationOptions> Options { get; } = new()
    {
        { "published", new() },
        { "weights", new() { LogitsWeight = 0.3, FeatureWeight = 0.02 } },
        { "no feature term", new() { FeatureWeight = 0 } },
        { "feature term alone", new() { LogitsWeight = 0 } },
        { "normalised features", new() { NormalizesFeatures = true } },
        { "normalised features per group", new() { NormalizesFeatures = true, NormalizesGroups = true, MinSnrGamma = 5 } },
        { "no distillation", new() { Distills = false } },
        { "no distillation, min-SNR", new() { Distills = false, MinSnrGamma = 5 } },
        { "distillation alone", new() { LearnsFromNoise = false } },
        { "distillation alone per group", new() { LearnsFromNoise = false, NormalizesGroups = true } },
        { "pooled dropped too", new() { DropsPooled = true } },
        { "min-SNR", new() { MinSnrGamma = 5 } },
        { "per group", new() { NormalizesGroups = true } },
        { "all at once", new() { NormalizesFeatures = true, NormalizesGroups = true, MinSnrGamma = 1, DropsPooled = true, LogitsWeight = 2, Recomputes = true } },
    };

    [Theory, MemberData(nameof(Options))]
    public void TheLossAndItsGradientAreTheFormulas(string name, DistillationOptions options)
    {
        var expected = new DistillationOracle(backend, teacher.UNet, adapter, teacher.AlphasCumprod).Loss(batch, none, options);
        using var target = new AdapterTarget(backend, adapter);
        using var distiller = new Distiller(backend, teacher.UNet, target, teacher.AlphasCumprod, options, none);
        var loss = distiller.Accumulate(batch);
        Close(expected.Diffusion, loss.Diffusion);
        Close(expected.Logits, loss.Logits);
        Close(expected.Features, loss.Features);

        var parameters = target.Parameters.Select(parameter => (parameter.Value, Start: Copy(parameter.Value), Gradient: Copy(parameter.Gradient))).ToList();
        // So far that the loss changes by a ten-thousandth, since it bends much; what it bends by is the same on both sides.
        var step = 1e-4 * loss.Total / parameters.Sum(parameter => Dot(parameter.Gradient, parameter.Gradient));
        var (above, below) = (Move(step), Move(-step));
        Assert.True(Math.Abs((above.Loss - below.Loss) / (above.Along - below.Along) - 1) <= 3e-3, $"{name}: the loss rises from {below.Loss} to {above.Loss}, expected by {above.Along - below.Along}");

        // The loss there, and how far that is along the gradient: of weights as they are rounded.
        (double Loss, double Along) Move(double distance)
        {
            double along = 0;
            foreach (var (value, start, gradient) in parameters)
            {
                float[] moved = [.. start.Zip(gradient, (x, g) => (float)(x + distance * g))];
                along += Dot([.. moved.Zip(start, (x, y) => x - y)], gradient);
                backend.Upload(moved, value);
            }
            return (distiller.Accumulate(batch).Total, along);
        }

        static double Dot(float[] a, float[] b) => a.Zip(b, (x, y) => (double)x * y).Sum();
    }

    /// <summary>In one pass and in two of different sizes: the same bits.</summary>
    [Theory, InlineData(1), InlineData(4)]
    public void NoiseThatIsDrawnWhereItIsUsedIsWhatPhiloxDraws(int passes)
    {
        var draw = new NoiseDraw(0x123456789a, RandomStream.Noise, [5, 3, 1UL << 40, 0, ulong.MaxValue, 5]);
        var noise = new float[batch.Noise.Length];
        var size = noise.Length / batch.Count;
        for (var i = 0; i < batch.Count; i++) new Philox(draw.Seed, (uint)draw.Stream, draw.Positions[i]).Normals(noise.AsSpan(i * size, size));
        var (given, drawn) = (Gradients(batch with { Noise = noise }), Gradients(batch with { Noise = [], Draw = draw }));
        Assert.Equal(given.Loss, drawn.Loss);
        Assert.Equal(given.Values, drawn.Values);
        Assert.NotEqual(given.Loss, Gradients(batch with { Noise = [], Draw = draw with { Positions = [5, 3, 1UL << 40, 0, ulong.MaxValue, 6] } }).Loss);

        (DistillationLoss Loss, float[][] Values) Gradients(DistillationBatch batch)
        {
            using var target = new AdapterTarget(backend, adapter);
            using var distiller = new Distiller(backend, teacher.UNet, target, teacher.AlphasCumprod, new(), none);
            return (distiller.Accumulate(batch, passes), [.. target.Parameters.Select(parameter => Copy(parameter.Gradient))]);
        }
    }

    /// <summary>A sample without a pair costs no run of the teacher: neither launches where all are such, nor memory to be touched for each one.</summary>
    [Fact]
    public void TheTeacherIsRunForThoseWhoLearnFromIt()
    {
        using var counter = new NullBackend();
        using var pipeline = DiffusionPipeline.Load(CacheFixture.Teacher, counter);
        using var counted = PeaAdapter.Load(Path.Combine(Repository.Root, "samples", "emoji", "initial-adapter.safetensors"), counter, DType.F32);
        using var target = new AdapterTarget(counter, counted);
        using var distiller = new Distiller(counter, pipeline.UNet, target, pipeline.AlphasCumprod, new() { FeatureWeight = 0 }, none);
        long[] launches = new long[7], bytes = new long[7];
        for (var taught = 0; taught <= 6; taught++)
        {
            (launches[taught], bytes[taught]) = (-counter.Launches, -counter.TouchedBytes);
            distiller.Accumulate(batch with { IsCultural = [.. Enumerable.Range(0, 6).Select(i => i >= taught)] });
            (launches[taught], bytes[taught]) = (launches[taught] + counter.Launches, bytes[taught] + counter.TouchedBytes);
        }
        var run = -counter.Launches;
        var p = new Pass(counter, new Arena(counter, 1L << 40));
        var c = pipeline.UNet.Condition(p, p.New([1, TeacherTokens, 320]), p.New([1, 192]), p.New([1, 6]));
        pipeline.UNet.Forward(p, p.New([1, Side, Side, 4]), p.New([1]), c);
        p.Arena.Dispose();
        run += counter.Launches;
        Assert.InRange(launches[1] - launches[0], run, run + 5);
        // With every further sample the teacher touches as much more; the weights, whose bytes are the same for all, cancel out.
        var more = bytes[2] - bytes[1];
        Assert.InRange(more, 1, bytes[1] - bytes[0]);
        for (var taught = 2; taught < 6; taught++) Assert.Equal(more, bytes[taught] - bytes[taught - 1]);
        // All are taught: there is no diffusion term any more.
        Assert.InRange(bytes[6] - bytes[5], more / 2, more);
    }

    public void Dispose()
    {
        adapter.Dispose();
        teacher.Dispose();
        backend.Dispose();
    }

    float[] Copy(Tensor tensor)
    {
        var values = new float[tensor.Elements];
        backend.Download(tensor, values);
        return values;
    }

    /// <summary>Sums in single precision, over samples in another order.</summary>
    static void Close(double expected, double actual) => Assert.True(Math.Abs(expected - actual) <= 2e-5 * Math.Abs(expected), $"{actual}, expected {expected}");
}
