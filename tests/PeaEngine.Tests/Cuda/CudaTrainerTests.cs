using System.Text.Json;
using PeaEngine.Backends;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Tests.Train;
using PeaEngine.Tests.Train.Data;
using PeaEngine.Train;
using PeaEngine.Train.Config;
using PeaEngine.Train.Data;
using PeaEngine.Train.Training;

namespace PeaEngine.Tests.Cuda;

/// <summary>A training run on a GPU.</summary>
public sealed class CudaTrainerTests : IDisposable
{
    const int Tokens = 8, Steps = 5, Stop = 3;

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>
    /// Gone on with from a checkpoint by another trainer on another device, a run in F16 gives the bytes that it would have given: adapter, moments, average, loss scale and log. The first gradients are too large
    /// for the scale that a run begins with, so steps are skipped.
    /// </summary>
    [NvrtcFact]
    public void ARunThatGoesOnIsTheSameToTheBit()
    {
        RunFolder whole = new(folder.At("whole")), resumed = new(folder.At("resumed"));
        var config = Config(whole.Path);
        Train(config);
        Directory.CreateDirectory(resumed.Checkpoints);
        File.Copy(whole.Metrics, resumed.Metrics);
        File.Copy(whole.FreshAdapter, resumed.FreshAdapter);
        var checkpoint = Directory.GetDirectories(whole.Checkpoints).Order(StringComparer.Ordinal).First();
        var copy = Directory.CreateDirectory(Path.Combine(resumed.Checkpoints, Path.GetFileName(checkpoint)));
        foreach (var file in Directory.GetFiles(checkpoint)) File.Copy(file, Path.Combine(copy.FullName, Path.GetFileName(file)));
        Assert.Equal(Steps - Stop, Train(config with { Output = resumed.Path }));
        SmallRun.AssertSame(whole, resumed);

        var skipped = File.ReadLines(whole.Metrics).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("skipped").GetInt32()).ToArray();
        Assert.True(skipped[Stop - 1] is > 0 and < Stop && skipped[^1] < Steps, string.Join(' ', File.ReadLines(whole.Metrics)));
    }

    /// <summary>How many steps it makes, on a device of its own.</summary>
    static int Train(TrainConfig config)
    {
        var steps = 0;
        using var backend = new CudaBackend(CudaTestDevice.Open(), DType.F16);
        using var trainer = new Trainer(config, backend, _ => { });
        trainer.Run(new Watcher<TrainingProgress>(_ => steps++));
        return steps;
    }

    /// <summary>Of pictures of so few pixels that a step takes a moment, from caches of the CPU.</summary>
    TrainConfig Config(string output)
    {
        var shard = folder.At("train.tar");
        File.WriteAllBytes(shard, ShardFiles.Samples([("a", 32, 32, """{"caption_zh": "老虎", "caption_en": "a tiger"}"""), ("b", 32, 32, """{"caption_zh": "鼓", "caption_en": "a drum"}""")]));
        var data = new DataOptions { Sources = [new([shard])], Languages = ["zh"], Buckets = [new(32, 32)], BatchSize = 1 };
        using (var cpu = Device.Open("cpu", 2))
        using (var encoders = TrainingEncoders.Load(CacheFixture.Teacher, CacheFixture.Student, Tokens, cpu))
            new CacheBuilder(data, encoders, TrainingEncoders.Hash(CacheFixture.Teacher, CacheFixture.Student, Tokens)).Build(shard);
        return SmallRun.Config(data, output) with { StudentLength = Tokens, AdapterHidden = [32], TextDropout = new TrainConfig().TextDropout, Steps = Steps, CheckpointEvery = Stop, Keep = 9 };
    }
}
