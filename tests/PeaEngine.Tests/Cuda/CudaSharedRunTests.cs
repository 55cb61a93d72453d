using PeaEngine.Backends;
using PeaEngine.Cli;
using PeaEngine.Cuda;
using PeaEngine.Tests.Cli;
using PeaEngine.Tests.Train;
using PeaEngine.Tests.Train.Data;
using PeaEngine.Tests.Train.Processes;
using PeaEngine.Train.Config;
using PeaEngine.Train.Processes;
using PeaEngine.Train.Training;

namespace PeaEngine.Tests.Cuda;

/// <summary>A whole run that two ranks share, each with a GPU of its own, on threads of this process.</summary>
public sealed class CudaSharedRunTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>
    /// Two steps of three samples, of which one rank has two: the trajectory of one rank, to the order of sums. In F16, too: what a sample's activations are does not depend on those beside it. From a cache, so that the GPUs
    /// compute nothing but the steps.
    /// </summary>
    [VirtualFact]
    public void TheNumberOfGpusChangesNothing()
    {
        var shard = folder.At("train.tar");
        File.WriteAllBytes(shard, ShardFiles.Samples(
            [.. Enumerable.Range(1, 3).Select(i => ($"s{i}", 32, 32, i == 3 ? $$"""{"caption_ori": "{{i}}虎"}""" : $$"""{"caption_zh": "{{i}}虎", "caption_en": "{{i}} tigers"}"""))]));
        var cached = CommandLine.Run("cache", shard, "--model", CacheFixture.Teacher.Model, "--student", CacheFixture.Student, "--student-length", "32", "--languages", "zh", "--bucket", "32x32");
        Assert.True(cached.Code == ExitCode.Done, cached.Error);
        var config = SharedRunTests.Config(folder.At("alone"));
        config = config with { Steps = 2, Cache = true, Data = config.Data with { Sources = [new([shard])], Languages = ["zh"], Buckets = [new(32, 32)], BatchSize = 3 } };
        var shared = config with { Output = folder.At("shared") };

        Run(config, ProcessGroup.Alone);
        Task.WaitAll(Array.ConvertAll(ThreadGroup.Create(2), group => Task.Factory.StartNew(() => Run(shared, group), TaskCreationOptions.LongRunning)));
        Assert.Contains(Trajectory.Numbers(new(config.Output), "loss_diffusion"), loss => loss > 0);
        Trajectory.AssertSame(config.Adapter!, new(config.Output), new(shared.Output));
    }

    static void Run(TrainConfig config, ProcessGroup group)
    {
        using var backend = new CudaBackend(new CudaContext(CudaTestDevice.Libraries, group.Rank), DType.F16);
        using var trainer = new Trainer(config, backend, _ => { }, group);
        trainer.Run();
    }
}
