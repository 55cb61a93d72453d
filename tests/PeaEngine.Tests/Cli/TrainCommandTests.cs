using PeaEngine.Cli;

namespace PeaEngine.Tests.Cli;

/// <summary><c>pea train</c>, but for the training.</summary>
public sealed class TrainCommandTests : IDisposable
{
    static readonly string Config = Path.Combine(Repository.Root, "samples", "emoji", "train.yaml");

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void EveryKeyIsExplained()
    {
        var run = CommandLine.Run("train", "--help-config");
        Assert.Equal(ExitCode.Done, run.Code);
        foreach (var key in new[] { "learning_rate", "teacher_uncond", "checkpoint_every" }) Assert.Contains(key, run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsWrongIsNamed()
    {
        CommandLine.Run("train").AssertFails(ExitCode.WrongUsage, "config", "--resume");
        CommandLine.Run("train", folder.At("none.yaml")).AssertFails(ExitCode.Failed, "none.yaml");
        CommandLine.Run("train", Config, "--set", "learning_rat=1").AssertFails(ExitCode.WrongUsage, "learning_rat", "learning_rate");
        CommandLine.Run("train", "--resume", folder.At("run"), "--set", "steps=1").AssertFails(ExitCode.WrongUsage, "resume");
        File.WriteAllText(folder.At("config.yaml"), "");
        CommandLine.Run("train", Config, "--set", $"output={folder.At(".")}").AssertFails(ExitCode.WrongUsage, "has a run already", "--resume");
    }

    [Fact]
    public void ADryRunTellsTheMemoryAndWritesNoAdapter()
    {
        static string Sample(string name) => Path.Combine(Repository.Root, "samples", "emoji", name);
        var run = CommandLine.Run("train", Config, "--dry-run", "--set", $"output={folder.At("run")}", "--set", "batch_size=2", "--set", $"teacher={Sample("teacher")}",
            "--set", $"student={Sample("student")}", "--set", $"adapter={Sample("initial-adapter.safetensors")}", "--set", $"data.sources=[{Sample(Path.Combine("data", "train-0000.tar"))}]");
        Assert.Equal(ExitCode.Done, run.Code);
        Assert.Contains("MiB beside the weights", run.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.At("run")));
    }
}
