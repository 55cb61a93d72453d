using System.Diagnostics;
using System.Globalization;
using PeaEngine.Tests.Train.Data;
using PeaEngine.Train;
using PeaEngine.Train.Config;
using PeaEngine.Train.Data;
using PeaEngine.Train.Optimizers;
using PeaEngine.Train.Training;

namespace PeaEngine.Tests.Train.Processes;

/// <summary>Training runs of the sample model that several processes share, a few small steps long.</summary>
public sealed class SharedRunTests(SharedRunTests.RunAlone alone) : IClassFixture<SharedRunTests.RunAlone>, IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>Nine samples are cut unevenly, among processes and into passes; means are over all of them, and over those with and without a teacher.</summary>
    [MpiTheory]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    [InlineData(2, 4)]
    [InlineData(4, 2)]
    public void TheNumberOfProcessesAndPassesChangesNothing(int ranks, int passes)
    {
        var config = Config(folder.At("run")) with { Accumulation = passes };
        using var run = Mpirun.Start(ranks, Train(config));
        Assert.True(run.Wait() == 0, run.Said);
        Trajectory.AssertSame(config.Adapter!, alone.Of(config.Steps), new(config.Output));
        // The first alone writes and talks.
        Assert.Equal(Names(alone.Of(config.Steps)), Names(new(config.Output)));
        Assert.Single(run.Said.Split("wrote ").Skip(1));
        Assert.Single(run.Said.Split("distillation 1/3").Skip(1));
    }

    /// <summary>Captions are measured, and fresh weights are regressed, by all.</summary>
    [MpiFact]
    public void AWarmStartIsSharedToo()
    {
        // Few captions, which are encoded once.
        var shard = folder.At("train.tar");
        File.WriteAllBytes(shard, ShardFiles.Samples(Enumerable.Range(1, 8).Select(i => ($"s{i}", 64, 64, $$"""{"caption_zh": "{{i}}虎", "caption_en": "{{i}} tigers"}"""))));
        var config = Config(folder.At("run"));
        config = config with { Adapter = null, AdapterHidden = [64], Steps = 1, WarmStart = new() { Steps = 3, BatchSize = 5, LearningRate = 3 }, Data = config.Data with { Sources = [new([shard])], Languages = ["zh"] } };
        using var run = Mpirun.Start(2, Train(config));
        Assert.True(run.Wait() == 0, run.Said);
        RunFolder expected = new(folder.At("alone")), actual = new(config.Output);
        RunAlone.Run(config with { Output = expected.Path });
        Assert.Equal(File.ReadAllBytes(expected.FreshAdapter), File.ReadAllBytes(actual.FreshAdapter));
        Trajectory.AssertSame(expected.FreshAdapter, expected, actual);
    }

    /// <summary>One process is told to stop; all stop after the same step, and one goes on alone.</summary>
    [MpiFact]
    public void ACancelledProcessEndsAllAndAnotherNumberGoesOn()
    {
        var config = Config(folder.At("run"));
        var log = new RunFolder(config.Output).Metrics;
        using var run = Mpirun.Start(2, Train(config with { Steps = 100_000 }));
        run.WaitUntil(() => File.Exists(log) && File.ReadAllBytes(log).Length > 0);
        run.Signal(1, "TERM");
        Assert.True(run.Wait() == 130, run.Said);
        Assert.Single(run.Said.Split("pea: cancelled").Skip(1));
        var done = File.ReadAllLines(log).Length;
        Assert.Equal([string.Create(CultureInfo.InvariantCulture, $"step-{done:D8}")], Directory.EnumerateFileSystemEntries(new RunFolder(config.Output).Checkpoints).Select(Path.GetFileName));

        RunAlone.Run(config with { Steps = done + 1 });
        Trajectory.AssertSame(config.Adapter!, alone.Of(done + 1), new(config.Output));
    }

    /// <summary>At an interrupt the launcher kills all after a second; this it hands on, and its exit code is theirs.</summary>
    [MpiFact]
    public void TheLauncherHandsASignalOnThatEndsAll()
    {
        var config = Config(folder.At("run")) with { Steps = 100_000 };
        var log = new RunFolder(config.Output).Metrics;
        using var run = Mpirun.Start(2, Train(config));
        run.WaitUntil(() => File.Exists(log) && File.ReadAllBytes(log).Length > 0);
        run.Signal("USR1");
        Assert.True(run.Wait() == 130, run.Said);
        Assert.Single(Directory.EnumerateFileSystemEntries(new RunFolder(config.Output).Checkpoints));
    }

    [MpiFact]
    public void AKilledProcessEndsTheOthersAndIsNamed()
    {
        var config = Config(folder.At("run")) with { Steps = 100_000 };
        using var run = Mpirun.Start(2, Train(config));
        run.WaitUntil(() => File.Exists(new RunFolder(config.Output).Metrics));
        var clock = Stopwatch.StartNew();
        run.Signal(1, "KILL");
        Assert.NotEqual(0, run.Wait());
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, Patience);
        Assert.Contains("rank 1", run.Said, StringComparison.Ordinal);
    }

    [MpiFact]
    public void AnErrorOfOneProcessEndsTheOthersAndIsNamed()
    {
        var config = Config(folder.At("run"));
        var clock = Stopwatch.StartNew();
        using var run = Mpirun.StartEach(Train(config), [.. Train(config), "--set", "student=nowhere"]);
        Assert.Equal(1, run.Wait());
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, Patience);
        Assert.Contains("pea: rank 1 of 2: nowhere", run.Said, StringComparison.Ordinal);
    }

    /// <summary>Gradients that are not finite in one process are skipped by all.</summary>
    [MpiFact]
    public void AStepThatIsNotFiniteInOneProcessIsSkippedByAll()
    {
        var config = Config(folder.At("run"));
        using var run = Mpirun.StartEach(Train(config), [.. Train(config), "--set", "loss.logits=1e300"]);
        Assert.True(run.Wait() == 0, run.Said);
        Assert.Equal([1, 2, 3], Trajectory.Numbers(new(config.Output), "skipped"));
        using GoldenTensors before = GoldenTensors.Open(config.Adapter!), after = GoldenTensors.Open(new RunFolder(config.Output).Adapter);
        foreach (var name in before.Names) Assert.Equal(before[name].Values, after[name].Values);
    }

    static IEnumerable<string> Names(RunFolder run) => Directory.EnumerateFileSystemEntries(run.Path, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(run.Path, path)).Order(StringComparer.Ordinal);

    string[] Train(TrainConfig config)
    {
        config.Save(folder.At("config.yaml"));
        return Mpirun.Pea("train", folder.At("config.yaml"));
    }

    /// <summary>Three steps of nine samples, every mean of which is over the whole batch.</summary>
    internal static TrainConfig Config(string output)
    {
        static string Sample(params string[] parts) => Path.Combine([Repository.Root, "samples", "emoji", .. parts]);
        return new()
        {
            Output = output,
            Teacher = Sample("teacher"),
            Student = Sample("student"),
            StudentLength = 32,
            Adapter = Sample("initial-adapter.safetensors"),
            Steps = 3,
            LearningRate = 3,
            Schedule = new() { Name = LearningRateSchedule.Constant },
            CheckpointEvery = 1000,
            TensorBoard = false,
            TextDropout = 0.3,
            Seed = 1,
            Loss = new() { PerGroup = true, NormalizeFeatures = true, MinSnr = 5 },
            // AdamW divides small gradients, which are mostly rounding errors, by their own size, but for this.
            Optimizer = new() { MaxGradNorm = 0.1, Epsilon = 1 },
            Data = new()
            {
                Sources = [new([Sample("data", "train-0000.tar")])],
                Languages = ["zh", "it"],
                Buckets = [new(64, 64)],
                Sampling = Sampling.Uniform,
                Latents = LatentSampling.Mean,
                BatchSize = 9,
            },
        };
    }

    /// <summary>The same run by one process in one pass, each length once.</summary>
    public sealed class RunAlone : IDisposable
    {
        readonly TemporaryFolder folder = new();

        /// <summary>The run of so many steps.</summary>
        public RunFolder Of(int steps)
        {
            var config = Config(folder.At($"{steps}")) with { Steps = steps };
            var run = new RunFolder(config.Output);
            if (!File.Exists(run.Adapter)) Run(config);
            // Otherwise there is nothing to be counted by group.
            Assert.Contains(Trajectory.Numbers(run, "loss_diffusion"), loss => loss > 0);
            return run;
        }

        /// <summary>Makes or goes on with a run in this process.</summary>
        public static void Run(TrainConfig config)
        {
            using var backend = Device.Open("cpu", 2);
            using var trainer = new Trainer(config, backend, _ => { });
            trainer.Run();
        }

        public void Dispose() => folder.Dispose();
    }
}
