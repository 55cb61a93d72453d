using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Randomness;
using PeaEngine.Tests.Train.Data;
using PeaEngine.Train;
using PeaEngine.Train.Config;
using PeaEngine.Train.Data;
using PeaEngine.Train.Distillation;
using PeaEngine.Train.Metrics;

namespace PeaEngine.Tests.Train;

/// <summary>What the keys of a configuration do to the loss of a run's first step: everything drawn by hand, then the formula in double.</summary>
public sealed class ConfiguredLossTests(CacheFixture data) : IClassFixture<CacheFixture>, IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("published")]
    [InlineData("mode: kd")]
    [InlineData("mode: diffusion")]
    [InlineData("mode: diffusion, noise_offset: 0.2")]
    [InlineData("min_snr: 2")]
    [InlineData("per_group: true")]
    [InlineData("features: 0")]
    [InlineData("logits: 0.5, features: 0.01")]
    [InlineData("normalize_features: true")]
    [InlineData("teacher_uncond: encoded")]
    [InlineData("drop_pooled: true, teacher_uncond: zeros")]
    [InlineData("drop_pooled: true, teacher_uncond: encoded")]
    [InlineData("latents: sample")]
    [InlineData("accumulation: 2")]
    public void OfTheFirstStepIsTheFormulas(string keys)
    {
        var config = Set(keys, out var options);
        SmallRun.Train(config);
        var (batch, none) = Draw(config);
        using var backend = Device.Open("cpu", 2);
        using var teacher = DiffusionPipeline.Load(CacheFixture.Teacher, backend);
        using var adapter = PeaAdapter.Load(config.Adapter!, backend, DType.F32);
        var expected = new DistillationOracle(backend, teacher.UNet, adapter, teacher.AlphasCumprod).Loss(batch, none, options);

        // What the options tell apart is there.
        Assert.Contains(true, batch.IsCultural);
        Assert.Contains((true, false), batch.DropsText.Zip(batch.IsCultural));
        using var metrics = MetricsLog.Open(new RunFolder(config.Output).Metrics, 1);
        Close(expected.Diffusion, "loss_diffusion");
        Close(expected.Logits, "loss_logits");
        Close(expected.Features, "loss_features");
        Close(expected.Total, "loss");

        void Close(double value, string name)
        {
            var actual = Assert.Single(metrics.Read(name)).Value;
            Assert.True(Math.Abs(value - actual) <= 5e-5 * Math.Abs(value), $"{name}: {actual}, expected {value}");
        }
    }

    /// <summary>The configuration with keys set, and what the loss's formula should make of them.</summary>
    TrainConfig Set(string keys, out DistillationOptions options)
    {
        var config = SmallRun.Config(data, folder.At("run")) with { Steps = 1, Seed = 8, TextDropout = 0.5, Adapter = Path.Combine(Repository.Root, "samples", "emoji", "initial-adapter.safetensors") };
        config = config with { Data = config.Data with { BatchSize = 8, Latents = LatentSampling.Mean } };
        options = new();
        foreach (var key in keys.Split(", "))
            (config, options) = key switch
            {
                "published" => (config, options),
                "mode: kd" => (config with { Mode = LossMode.Kd }, options with { LearnsFromNoise = false }),
                "mode: diffusion" => (config with { Mode = LossMode.Diffusion }, options with { Distills = false }),
                "noise_offset: 0.2" => (config with { Loss = config.Loss with { NoiseOffset = 0.2 } }, options),
                "min_snr: 2" => (config with { Loss = config.Loss with { MinSnr = 2 } }, options with { MinSnrGamma = 2 }),
                "per_group: true" => (config with { Loss = config.Loss with { PerGroup = true } }, options with { NormalizesGroups = true }),
                "features: 0" => (config with { Loss = config.Loss with { Features = 0 } }, options with { FeatureWeight = 0 }),
                "logits: 0.5" => (config with { Loss = config.Loss with { Logits = 0.5 } }, options with { LogitsWeight = 0.5 }),
                "features: 0.01" => (config with { Loss = config.Loss with { Features = 0.01 } }, options with { FeatureWeight = 0.01 }),
                "normalize_features: true" => (config with { Loss = config.Loss with { NormalizeFeatures = true } }, options with { NormalizesFeatures = true }),
                "teacher_uncond: encoded" => (config with { TeacherUncond = TeacherUncond.Encoded }, options),
                "teacher_uncond: zeros" => (config with { TeacherUncond = TeacherUncond.Zeros }, options),
                "drop_pooled: true" => (config with { DropPooled = true }, options with { DropsPooled = true }),
                "latents: sample" => (config with { Data = config.Data with { Latents = LatentSampling.Sample } }, options),
                "accumulation: 2" => (config with { Accumulation = 2 }, options),
                _ => throw new ArgumentException(key),
            };
        return config;
    }

    /// <summary>The first batch with everything drawn by its samples' places, and what stands for dropped text.</summary>
    (DistillationBatch Batch, UnconditionalText None) Draw(TrainConfig config)
    {
        using var batches = new CachedBatches(config.Data, data.Models, null, config.Seed);
        var batch = batches.Next();
        var noise = new float[batch.Latents.Length];
        var size = noise.Length / batch.Count;
        for (var i = 0; i < batch.Count; i++)
        {
            float[] normals = new float[size], offsets = new float[4];
            Stream(RandomStream.Noise, i).Normals(normals);
            Stream(RandomStream.NoiseOffset, i).Normals(offsets);
            for (var j = 0; j < size; j++) noise[i * size + j] = normals[j] + (float)config.Loss.NoiseOffset * offsets[j * 4 / size];
        }
        var text = batches.Unconditional;
        // The sample's teacher learned zeros for no text, which is the default then.
        var isEncoded = config.TeacherUncond == TeacherUncond.Encoded;
        return (new([batch.Count, 4, 16, 16], batch.Latents, noise, [.. Enumerable.Range(0, batch.Count).Select(i => Stream(RandomStream.Timestep, i).Below(1000))], batch.StudentHidden, batch.StudentMask,
                batch.TeacherSequence, batch.TeacherPooled, batch.TimeIds, batch.IsCultural, [.. Enumerable.Range(0, batch.Count).Select(i => Stream(RandomStream.TextDropout, i).UniformDouble() < config.TextDropout)]),
            new(text.StudentHidden, text.StudentMask, isEncoded ? text.TeacherSequence : new float[text.TeacherSequence.Length], isEncoded ? text.TeacherPooled : new float[text.TeacherPooled.Length]));

        Philox Stream(RandomStream stream, int i) => new(config.Seed, (uint)stream, batch.Places[i]);
    }
}
