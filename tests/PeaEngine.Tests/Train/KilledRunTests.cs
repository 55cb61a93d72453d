using PeaEngine.Cli;
using PeaEngine.Tests.Train.Data;
using PeaEngine.Train;
using PeaEngine.Train.Checkpoints;

namespace PeaEngine.Tests.Train;

/// <summary><c>kill -9</c> of a whole <c>pea train</c>: what goes on from it, with other numbers of threads and in another folder, ends with the bytes of a run that nothing stopped.</summary>
public sealed class KilledRunTests(CacheFixture data) : IClassFixture<CacheFixture>, IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void SixtyStepsAreFiftyAKillAndTheRest()
    {
        var config = SmallRun.Endless(data, folder.At("whole")) with { CheckpointEvery = 10 };
        var broken = new RunFolder(folder.At("elsewhere", "broken"));
        Directory.CreateDirectory(folder.At("elsewhere"));
        using (var first = new TrainProcess(SmallRun.Write(config with { Output = broken.Path }), "--threads", "1")) first.WaitFor(() => SmallRun.Lines(broken) >= 54).Kill();
        var lines = SmallRun.Lines(broken);
        // The steps that are made again; of the one after which it was killed, the line may not have been written yet.
        Assert.InRange(lines - new CheckpointStore(broken.Checkpoints, 1).Newest(Assert.Fail)!.Step, -1, config.CheckpointEvery - 1);
        SmallRun.EndAt(broken, lines + 6);
        using var second = new TrainProcess("--resume", broken.Path, "--threads", "2");
        Assert.Equal(ExitCode.Done, second.End().Code);
        SmallRun.AssertSame(SmallRun.Train(config with { Steps = lines + 6 }), broken);
    }

    /// <summary>Every second time as soon as a checkpoint is being saved, else whenever it comes.</summary>
    [Fact]
    public void KilledAgainAndAgainItGetsThereAllTheSame()
    {
        const int Kills = 8;
        var config = SmallRun.Endless(data, folder.At("whole")) with { CheckpointEvery = 1, Keep = 2 };
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
            done = SmallRun.Lines(broken);
        }
        // Otherwise no kill came while something was being saved.
        Assert.InRange(unfinished, 1, Kills);
        SmallRun.EndAt(broken, done + 4);
        using var last = new TrainProcess(resume);
        Assert.Equal(ExitCode.Done, last.End().Code);
        SmallRun.AssertSame(SmallRun.Train(config with { Steps = done + 4 }), broken);

        bool IsSaving() => Directory.Exists(broken.Checkpoints) && Directory.EnumerateDirectories(broken.Checkpoints, ".unfinished-*").Any();
    }

    /// <summary>There is nothing to go on from but the configuration.</summary>
    [Fact]
    public void WithoutACheckpointItBeginsAnew()
    {
        var config = SmallRun.Endless(data, folder.At("whole"));
        var broken = new RunFolder(folder.At("broken"));
        using (var first = new TrainProcess(SmallRun.Write(config with { Output = broken.Path }))) first.WaitFor(() => SmallRun.Lines(broken) >= 2).Kill();
        Assert.False(Directory.Exists(broken.Checkpoints));
        SmallRun.EndAt(broken, 6);
        using var second = new TrainProcess("--resume", broken.Path);
        Assert.Equal(ExitCode.Done, second.End().Code);
        SmallRun.AssertSame(SmallRun.Train(config with { Steps = 6 }), broken);
    }
}
