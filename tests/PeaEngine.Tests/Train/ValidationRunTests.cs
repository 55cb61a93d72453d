using System.Text.Json;
using PeaEngine.Cli;
using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Randomness;
using PeaEngine.Tests.Cli;
using PeaEngine.Tests.Train.Data;
using PeaEngine.Train;
using PeaEngine.Train.Config;
using PeaEngine.Train.Data;
using PeaEngine.Train.Distillation;

namespace PeaEngine.Tests.Train;

/// <summary>The loss of samples that a run does not train with.</summary>
public sealed class ValidationRunTests(CacheFixture data) : IClassFixture<CacheFixture>, IDisposable
{
    const int Samples = 7;

    static readonly int[] Timesteps = [100, 650];

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>At the end it is the formula's for the adapter that was trained, over all samples and timesteps at once, from a cache or not; and the run does not notice it.</summary>
    [Theory]
    [InlineData(true, false, false)]
    [InlineData(false, false, false)]
    [InlineData(true, true, true)]
    public void TheLossIsTheFormulasAndChangesNothing(bool cache, bool perGroup, bool normalizes)
    {
        var config = Config("run") with { Cache = cache, Loss = new() { PerGroup = perGroup, NormalizeFeatures = normalizes } };
        var run = SmallRun.Train(config);
        var plain = SmallRun.Train(config with { Output = folder.At("plain"), Validation = new() });
        Assert.Equal(File.ReadAllBytes(plain.Adapter), File.ReadAllBytes(run.Adapter));
        JsonElement[] lines = Lines(run), plainLines = Lines(plain);
        Assert.Equal([false, true, false, true, true], lines.Select(line => line.TryGetProperty("validation_loss", out _)));
        foreach (var (line, expected) in lines.Zip(plainLines))
            Assert.Equal(expected.EnumerateObject().Select(number => $"{number}"), line.EnumerateObject().Where(number => !number.Name.StartsWith("validation", StringComparison.Ordinal)).Select(number => $"{number}"));

        using var backend = Device.Open("cpu", 2);
        using var teacher = DiffusionPipeline.Load(CacheFixture.Teacher, backend);
        using var adapter = PeaAdapter.Load(run.Adapter, backend);
        var options = new DistillationOptions { NormalizesGroups = perGroup, NormalizesFeatures = normalizes };
        var loss = new DistillationOracle(backend, teacher.UNet, adapter, teacher.AlphasCumprod).Loss(Whole(config), new([], [], []), options);
        // The cache has what the encoders give, computed some captions at a time.
        foreach (var (name, expected) in new[] { ("", loss.Total), ("_diffusion", loss.Diffusion), ("_logits", loss.Logits), ("_features", loss.Features) })
        {
            var actual = lines[^1].GetProperty($"validation_loss{name}").GetDouble();
            Assert.True(expected > 0 && Math.Abs(expected - actual) <= 1e-4 * expected, $"{name}: {actual}, expected {expected}");
        }
    }

    [Fact]
    public void TheFirstSamplesAreTheSameWithAndWithoutACache()
    {
        var options = data.Options with { Sources = [new([data.Shards[1]])] };
        using var live = new EncodedBatches(options, data.Encoders, 5);
        using var cached = new CachedBatches(options, data.Models, null, 5);
        var (expected, actual) = (live.FirstOf([data.Shards[0]], Samples, 3), cached.FirstOf([data.Shards[0]], Samples, 3));
        Assert.Equal([3, 3, 1], expected.Select(batch => batch.Count));
        Assert.Equal(Enumerable.Range(0, Samples), expected.SelectMany(batch => batch.Places).Select(place => (int)place));
        foreach (var (one, other) in expected.Zip(actual))
        {
            Assert.Equal(one.Places, other.Places);
            Assert.Equal(one.Languages, other.Languages);
            Assert.Equal(one.IsCultural, other.IsCultural);
            GoldenTensors.AssertClose("latents", one.Latents, other.Latents, 1e-4);
            GoldenTensors.AssertClose("states", one.StudentHidden, other.StudentHidden, 1e-4);
            GoldenTensors.AssertClose("sequence", one.TeacherSequence, other.TeacherSequence, 1e-4);
        }
        // The order of training is not touched, and there may be fewer than are asked for.
        Assert.Equal(0, live.Next().Step);
        Assert.Equal(CacheFixture.SamplesOfAShard, cached.FirstOf([data.Shards[0]], 1000, 100).Sum(batch => batch.Count));
    }

    [Fact]
    public void WhatCannotBeValidatedWithIsRefusedBeforeTheFirstStep()
    {
        var config = Config("run");
        Refuse(config with { Validation = config.Validation with { Shards = [data.At("train-*.tar")] } }, "validation.shards", data.Shards[1], "is trained with");
        Refuse(config with { Validation = config.Validation with { Shards = [data.At("none.tar")] } }, data.At("none.tar"));
        folder.Write("empty.tar", new string('\0', 1024));
        Refuse(config with { Cache = false, Validation = config.Validation with { Shards = [folder.At("empty.tar")] } }, "1 shards without a sample");

        void Refuse(TrainConfig wrong, params string[] parts)
        {
            var run = CommandLine.Run("train", SmallRun.Write(wrong));
            Assert.NotEqual(ExitCode.Done, run.Code);
            Assert.All(parts, part => Assert.Contains(part, run.Error, StringComparison.Ordinal));
            Assert.False(File.Exists(new RunFolder(wrong.Output).Metrics));
        }
    }

    static JsonElement[] Lines(RunFolder run) => [.. File.ReadAllLines(run.Metrics).Select(line => JsonDocument.Parse(line).RootElement.Clone())];

    /// <summary>Every sample at every timestep.</summary>
    DistillationBatch Whole(TrainConfig config)
    {
        using var batches = new CachedBatches(config.Data, data.Models, null, config.Seed);
        var samples = Assert.Single(batches.FirstOf(config.Validation.Shards, Samples, 100));
        Assert.Contains(true, samples.IsCultural);
        int count = samples.Count, size = samples.Latents.Length / count;
        var noise = new float[size * count * Timesteps.Length];
        for (var i = 0; i < count * Timesteps.Length; i++)
            new Philox(config.Seed, (uint)RandomStream.ValidationNoise, (ulong)(i % count) << 32 | (uint)Timesteps[i / count]).Normals(noise.AsSpan(i * size, size));
        T[] Twice<T>(T[] values) => [.. values, .. values];
        return new([count * Timesteps.Length, 4, 16, 16], Twice(samples.Latents), noise, [.. Timesteps.SelectMany(timestep => Enumerable.Repeat(timestep, count))], Twice(samples.StudentHidden), Twice(samples.StudentMask),
            Twice(samples.TeacherSequence), Twice(samples.TeacherPooled), Twice(samples.TimeIds), Twice(samples.IsCultural), new bool[count * Timesteps.Length]);
    }

    TrainConfig Config(string name)
    {
        var config = SmallRun.Config(data, folder.At(name)) with
        {
            Steps = 5,
            Validation = new() { Every = 2, Shards = [data.Shards[0]], Samples = Samples, Timesteps = Timesteps },
        };
        return config with { Data = config.Data with { Sources = [new([data.Shards[1]])], BatchSize = 3, Latents = LatentSampling.Mean } };
    }
}
