using PeaEngine.Cli;
using PeaEngine.Tests.Cli;
using PeaEngine.Tests.Train.Data;
using PeaEngine.Train;
using PeaEngine.Train.Checkpoints;

namespace PeaEngine.Tests.Train;

/// <summary><c>pea train</c> that is asked to stop, and what <c>--resume</c> makes of what is there.</summary>
public sealed class InterruptedRunTests(CacheFixture data) : IClassFixture<CacheFixture>, IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public void ASignalLeavesACheckpointAndCode130(string signal)
    {
        if (OperatingSystem.IsWindows()) return;
        var config = SmallRun.Endless(data, folder.At("whole")) with { Keep = 1 };
        var broken = new RunFolder(folder.At("broken"));
        using (var process = new TrainProcess(SmallRun.Write(config with { Output = broken.Path })))
        {
            process.WaitFor(() => SmallRun.Lines(broken) >= 3).Signal(signal);
            var (code, error) = process.End();
            Assert.Equal(ExitCode.Cancelled, code);
            Assert.EndsWith("pea: cancelled\n", error, StringComparison.Ordinal);
        }
        // No step is lost.
        var lines = SmallRun.Lines(broken);
        Assert.Equal(lines, new CheckpointStore(broken.Checkpoints, 1).Newest(Assert.Fail)!.Step);
        Assert.False(File.Exists(broken.Adapter));
        SmallRun.EndAt(broken, lines + 10);
        Assert.Equal(ExitCode.Done, CommandLine.Run("train", "--resume", broken.Path).Code);
        SmallRun.AssertSame(SmallRun.Train(config with { Steps = lines + 10 }), broken);
    }

    [Fact]
    public void ADamagedCheckpointIsPassedOverWithAWarning()
    {
        var run = SmallRun.Train(SmallRun.Config(data, folder.At("run")) with { Steps = 4, CheckpointEvery = 1, Keep = 9 });
        var files = Directory.EnumerateFiles(run.Path, "*", SearchOption.AllDirectories).ToDictionary(file => file, File.ReadAllBytes);
        var newest = new CheckpointStore(run.Checkpoints, 9).Newest(Assert.Fail)!;
        var damaged = Directory.EnumerateFiles(newest.Folder, "*.safetensors").Single();
        using (var file = File.OpenWrite(damaged)) file.SetLength(file.Length - 1);
        File.Delete(run.Adapter);
        var resumed = CommandLine.Run("train", "--resume", run.Path);
        Assert.Equal(ExitCode.Done, resumed.Code);
        Assert.StartsWith($"pea: warning: {newest.Folder}: a damaged checkpoint, the one before is taken: {damaged}", resumed.Error, StringComparison.Ordinal);
        Assert.All(files, file => Assert.Equal(file.Value, File.ReadAllBytes(file.Key)));
    }

    [Fact]
    public void WhatIsNoRunIsNamed()
    {
        CommandLine.Run("train", "--resume", folder.At("none")).AssertFails(ExitCode.Failed, folder.At("none"), "expected");
        folder.Write("run/config.yaml", "steps: 5\n");
        CommandLine.Run("train", "--resume", folder.At("run")).AssertFails(ExitCode.WrongUsage, folder.At("run", "config.yaml"), "output: nothing");
    }
}
