using System.Text;
using PeaEngine.Formats;
using PeaEngine.Tests.Train.Data;
using PeaEngine.Train;
using PeaEngine.Train.Config;
using PeaEngine.Train.Training;

namespace PeaEngine.Tests.Train;

/// <summary>Runs that begin with text alone: three steps of four captions, then two of distillation.</summary>
public sealed class WarmStartTests(CacheFixture data) : IClassFixture<CacheFixture>, IDisposable
{
    readonly TemporaryFolder folder = new();
    readonly Backend backend = Device.Open("cpu", 2);

    public void Dispose()
    {
        backend.Dispose();
        folder.Dispose();
    }

    /// <summary>The adapter goes from fresh weights through the regression into distillation.</summary>
    [Fact]
    public void DistillationGoesOnWithWhatTheRegressionLeft()
    {
        // The first step of distillation, with a rate of 0, moves nothing.
        var config = Config("run") with { Steps = 1, Schedule = new() { WarmupSteps = 1 }, TensorBoard = true };
        var phases = Train(config);
        Assert.Equal(["warm-start 1/3", "warm-start 2/3", "warm-start 3/3", "distillation 1/1"], phases);
        var run = new RunFolder(config.Output);
        Assert.Equal([1, 2, 3], Log(config).Select(line => JsonConfig.Parse(Encoding.UTF8.GetBytes(line), "log").Int("step")));
        Assert.Single(File.ReadAllLines(run.Metrics));
        using var left = SafetensorsFile.Open(Path.Combine(run.Checkpoints, "step-00000003", "warm-start.safetensors"));
        using var fresh = SafetensorsFile.Open(run.FreshAdapter);
        using var trained = SafetensorsFile.Open(run.Adapter);
        Assert.Equal(6, fresh.Tensors.Count);
        foreach (var name in fresh.Tensors.Keys)
        {
            Assert.Equal(Bytes(left, $"parameter.{name}"), Bytes(trained, name));
            Assert.NotEqual(Bytes(fresh, name), Bytes(trained, name));
        }
        Assert.True(File.Exists(Path.Combine(run.Checkpoints, "step-00000004", "distillation.safetensors")));
        var events = Encoding.Latin1.GetString(File.ReadAllBytes(Assert.Single(Directory.GetFiles(run.Path, "events.*"))));
        Assert.Contains("warm-start/loss_sequence", events, StringComparison.Ordinal);
        Assert.Contains("loss_logits", events, StringComparison.Ordinal);
        Assert.DoesNotContain("warm-start/loss_logits", events, StringComparison.Ordinal);

        static byte[] Bytes(SafetensorsFile file, string name)
        {
            var bytes = new byte[file.Tensors[name].Elements * sizeof(float)];
            file.Read(name, 0, bytes);
            return bytes;
        }
    }

    /// <summary>A UNet that is trained afterwards finds the adapter as the regression left it, also where a run goes on after that.</summary>
    [Theory]
    [InlineData(TrainTarget.Lora)]
    [InlineData(TrainTarget.CrossAttentionKv)]
    public void ATrainedUNetGoesOnWithTheAdapterThatTheRegressionLeft(TrainTarget target)
    {
        TrainConfig whole = Config("whole") with { Train = target }, broken = Config("broken") with { Train = target };
        Train(whole);
        Assert.Throws<OperationCanceledException>(() => Train(broken, "distillation 1/2"));
        Train(broken);
        var (expected, actual) = (new RunFolder(whole.Output), new RunFolder(broken.Output));
        Assert.Equal(File.ReadAllText(expected.Metrics), File.ReadAllText(actual.Metrics));
        Assert.Equal(File.ReadAllBytes(expected.Lora), File.ReadAllBytes(actual.Lora));
        Assert.Equal(File.ReadAllBytes(expected.Adapter), File.ReadAllBytes(actual.Adapter));
        using GoldenTensors left = GoldenTensors.Open(Path.Combine(expected.Checkpoints, "step-00000003", "warm-start.safetensors")), written = GoldenTensors.Open(expected.Adapter);
        foreach (var name in written.Names) Assert.Equal(left[$"parameter.{name}"].Values, written[name].Values);
    }

    /// <summary>In its midst, at its end, and after it; from a cache, and encoded as it comes.</summary>
    [Theory]
    [InlineData("warm-start 1/3", true)]
    [InlineData("warm-start 2/3", false)]
    [InlineData("warm-start 3/3", true)]
    [InlineData("distillation 1/2", true)]
    public void ARunThatGoesOnIsTheSameToTheBit(string stopAfter, bool isCached)
    {
        TrainConfig whole = Config("whole") with { Cache = isCached }, broken = Config("broken") with { Cache = isCached };
        Train(whole);
        Assert.Throws<OperationCanceledException>(() => Train(broken, stopAfter));
        Train(broken);
        Assert.Equal(Log(whole), Log(broken));
        var (expected, actual) = (new RunFolder(whole.Output), new RunFolder(broken.Output));
        Assert.Equal(File.ReadAllText(expected.Metrics), File.ReadAllText(actual.Metrics));
        Assert.Equal(File.ReadAllBytes(expected.Adapter), File.ReadAllBytes(actual.Adapter));
        Assert.Equal(File.ReadAllBytes(expected.Average), File.ReadAllBytes(actual.Average));
    }

    /// <summary>What a process that was killed left behind: a checkpoint of the regression's first step, and lines of later ones.</summary>
    [Fact]
    public void ARunThatWasKilledGoesOnFromItsNewestCheckpoint()
    {
        var config = Config("run") with { CheckpointEvery = 1, Keep = 9 };
        Train(config);
        var run = new RunFolder(config.Output);
        var (adapter, log, metrics) = (File.ReadAllBytes(run.Adapter), Log(config), File.ReadAllText(run.Metrics));
        foreach (var checkpoint in Directory.GetDirectories(run.Checkpoints).Order(StringComparer.Ordinal).Skip(1)) Directory.Delete(checkpoint, recursive: true);
        using (var trainer = new Trainer(config, backend, _ => { })) Assert.Equal(1, trainer.Steps);
        Train(config);
        Assert.Equal(adapter, File.ReadAllBytes(run.Adapter));
        Assert.Equal(log, Log(config));
        Assert.Equal(metrics, File.ReadAllText(run.Metrics));
    }

    [Fact]
    public void TheLossFalls()
    {
        var config = Config("run") with { Steps = 1, WarmStart = new() { Steps = 40, BatchSize = 8, LearningRate = 3e-3 } };
        Train(config);
        var losses = Log(config).Select(line => JsonConfig.Parse(Encoding.UTF8.GetBytes(line), "log").Float("loss")).ToList();
        Assert.InRange(losses[^5..].Average(), 0, losses[..5].Average() * 0.7);
    }

    [Fact]
    public void ADryRunMeasuresDistillation()
    {
        TrainingMemory with = TrainingMemory.Measure(Config("a")), without = TrainingMemory.Measure(Config("b") with { WarmStart = new() });
        Assert.Equal(without.Buckets, with.Buckets);
    }

    /// <summary>The norm of fresh weights is set by the captions; that of a given adapter stays.</summary>
    [Fact]
    public void OnlyAFreshNormIsSet()
    {
        var first = Config("first") with { Steps = 1, Schedule = new() { WarmupSteps = 1 }, WarmStart = new() { Steps = 1, BatchSize = 4, LearningRate = 1e-9 } };
        Train(first);
        Train(first with { Output = folder.At("second"), Adapter = new RunFolder(first.Output).Adapter, WarmStart = new() { Steps = 1, BatchSize = 8, LearningRate = 1e-9 } });
        using var fresh = GoldenTensors.Open(new RunFolder(first.Output).FreshAdapter);
        using var set = GoldenTensors.Open(new RunFolder(first.Output).Adapter);
        using var kept = GoldenTensors.Open(new RunFolder(folder.At("second")).Adapter);
        Assert.All(fresh["layernorm.bias"].Values, value => Assert.Equal(0, value));
        Assert.All(set["layernorm.weight"].Values, value => Assert.InRange(value, 0.5, 5));
        Assert.True(set["layernorm.bias"].Values.Max() > 1);
        foreach (var name in fresh.Names) GoldenTensors.AssertClose(set[name], kept[name].Values, 1e-6);
    }

    [Fact]
    public void WhatCannotBeRegressedIsNamed()
    {
        Assert.StartsWith("warm start: the student has 16 positions, expected the teacher's 32,", Refusal(Config("a") with { StudentLength = 16, Cache = false }), StringComparison.Ordinal);
        Assert.StartsWith("warm start: no sample has an English caption", Refusal(Of("""{"caption_ori": "虎"}""")), StringComparison.Ordinal);
        Assert.Equal("warm start: the teacher's embeddings of 1024 captions are all alike, expected English captions that differ",
            Assert.Throws<PeaException>(() => Train(Of("""{"caption_en": "orca", "caption_zh": "虎鲸"}"""))).Message);

        string Refusal(TrainConfig config) => Assert.Throws<PeaException>(() => Open(config)).Message;

        void Open(TrainConfig config)
        {
            using var trainer = new Trainer(config, backend, _ => { });
        }

        TrainConfig Of(string metadata)
        {
            File.WriteAllBytes(folder.At("one.tar"), ShardFiles.Samples([("one", 64, 64, metadata)]));
            return Config("a") with { Cache = false, Data = data.Options with { Sources = [new([folder.At("one.tar")])] } };
        }
    }

    TrainConfig Config(string name) => SmallRun.Config(data, folder.At(name)) with
    {
        Steps = 2,
        CheckpointEvery = 100,
        TextDropout = 0.5,
        WarmStart = new() { Steps = 3, BatchSize = 4, LearningRate = 1e-3 },
    };

    static string[] Log(TrainConfig config) => File.ReadAllLines(Path.Combine(config.Output, "warm-start.jsonl"));

    /// <summary>Runs, and stops after a step if that is asked for: the steps that were made.</summary>
    List<string> Train(TrainConfig config, string? stopAfter = null)
    {
        using var stop = new CancellationTokenSource();
        using var trainer = new Trainer(config, backend, _ => { });
        var steps = new List<string>();
        trainer.Run(new Watcher<TrainingProgress>(progress =>
        {
            steps.Add(FormattableString.Invariant($"{progress.Phase} {progress.Step}/{progress.Total}"));
            if (steps[^1] == stopAfter) stop.Cancel();
        }), stop.Token);
        return steps;
    }
}
