using PeaEngine.Cli;
using PeaEngine.Tests.Train.Data;
using PeaEngine.Train;
using PeaEngine.Train.Checkpoints;
using PeaEngine.Train.Config;

namespace PeaEngine.Tests.Train;

/// <summary><c>kill -9</c> of a whole <c>pea train</c>: what goes on from it, with other numbers of threads and in another folder, ends with the bytes of a run that nothing stopped.</summary>
public sealed class KilledRunTests(CacheFixture data) : IClassFixture<CacheFixture>, IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void AHundredStepsAreFiftyAKillAndFifty()
    {
        var config = SmallRun.Config(data, folder.At("whole")) with { Steps = 100, CheckpointEvery = 10 };
        var whole = SmallRun.Train(config);
        var broken = new RunFolder(folder.At("elsewhere", "broken"));
        Directory.CreateDirectory(folder.At("elsewhere"));
        using (var first = new TrainProcess(SmallRun.Write(config with { Output = broken.Path }), "--threads", "1")) first.WaitFor(() => SmallRun.Lines(broken) >= 54).Kill();
        var lines = SmallRun.Lines(broken);
        Assert.InRange(lines, 54, 99);
        // The steps that are made again; of the one after which it was killed, the line may not have been written yet.
        Assert.InRange(lines - new CheckpointStore(broken.Checkpoints, 1).Newest(Assert.Fail)!.Step, -1, config.CheckpointEvery - 1);
        using var second = new TrainProcess("--resume", broken.Path, "--threads", "2");
        Assert.Equal(ExitCode.Done, second.End().Code);
        SmallRun.AssertSame(whole, broken);
    }

    /// <summary>Every second time as soon as a checkpoint is being saved, else whenever it comes.</summary>
    [Fact]
    public void KilledAgainAndAgainItGetsThereAllTheSame()
    {
        const int Kills = 8;
        var config = SmallRun.Config(data, folder.At("whole")) with { Steps = 40, CheckpointEvery = 1, Keep = 2 };
        var whole = SmallRun.Train(config);
        var broken = new RunFolder(folder.At("broken"));
        var random = new Random(3);
        var (unfinished, done) = (0, 0);
        string[] begin = [SmallRun.Write(config with { Output = broken.Path })], resume = ["--resume", broken.Path];
        for (var kill = 0; kill < Kills; kill++)
        {
            using var process = new TrainProcess([.. kill == 0 ? begin : resume, "--threads", $"{kill % 3 + 1}"]);
            process.WaitFor(() => SmallRun.Lines(broken) > done);
            if (kill % 2 == 0) process.WaitFor(IsSaving);
            else Thread.Sleep(random.Next(100));
            process.Kill();
            if (IsSaving()) unfinished++;
            Assert.True(SmallRun.Lines(broken) < config.Steps, "it came to its end before it was killed");
            done = SmallRun.Lines(broken);
        }
        // Otherwise no kill came while something was being saved.
        Assert.InRange(unfinished, 1, Kills);
        using var last = new TrainProcess(resume);
        Assert.Equal(ExitCode.Done, last.End().Code);
        SmallRun.AssertSame(whole, broken);

        bool IsSaving() => Directory.Exists(broken.Checkpoints) && Directory.EnumerateDirectories(broken.Checkpoints, ".unfinished-*").Any();
    }

    /// <summary>There is nothing to go on from but the configuration.</summary>
    [Fact]
    public void WithoutACheckpointItBeginsAnew()
    {
        var config = SmallRun.Config(data, folder.At("whole")) with { Steps = 6, CheckpointEvery = 50 };
        var whole = SmallRun.Train(config);
        var broken = new RunFolder(folder.At("broken"));
        using (var first = new TrainProcess(SmallRun.Write(config with { Output = broken.Path, Steps = 5000 }))) first.WaitFor(() => SmallRun.Lines(broken) >= 2).Kill();
        Assert.False(Directory.Exists(broken.Checkpoints));
        (TrainConfig.Load(broken.Config) with { Steps = config.Steps }).Save(broken.Config);
        using var second = new TrainProcess("--resume", broken.Path);
        Assert.Equal(ExitCode.Done, second.End().Code);
        SmallRun.AssertSame(whole, broken);
    }
}
