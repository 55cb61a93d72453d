using System.Globalization;
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

    /// <summary>The models' files alone are needed, and nothing is left.</summary>
    [Fact]
    public void ADryRunTellsTheMemoryOfEverySize()
    {
        static string Sample(string name) => Path.Combine(Repository.Root, "samples", "emoji", name);
        string[] arguments = ["train", Config, "--dry-run", "--set", $"output={folder.At("run")}", "--set", "batch_size=2", "--set", $"teacher={Sample("teacher")}", "--set", $"student={Sample("student")}",
            "--set", $"adapter={Sample("initial-adapter.safetensors")}", "--set", $"data.sources=[{folder.At("none.tar")}]", "--set", "data.buckets=[64x64, 128x64]"];
        var run = CommandLine.Run(arguments);
        Assert.Equal((ExitCode.Done, ""), (run.Code, run.Error));
        var rows = Rows(run);
        Assert.Equal(["64x64", "128x64"], rows.Select(row => row.Size));
        foreach (var (_, numbers) in rows)
        {
            Assert.True(numbers[0] > numbers[1], run.Output);
            Assert.Equal(numbers[0] + numbers[2] + numbers[3] + numbers[4], numbers[5], 0.3);
        }
        Assert.InRange(rows[1].Numbers[0] / rows[0].Numbers[0], 1.5, 2);
        foreach (var (_, numbers) in Rows(CommandLine.Run([.. arguments, "--set", "recompute=true"]))) Assert.Equal(numbers[1] + numbers[2] + numbers[3] + numbers[4], numbers[5], 0.3);
        Assert.Empty(folder.Files());

        static List<(string Size, double[] Numbers)> Rows(CommandLine run) =>
            [.. run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Select(cells => (cells[0], cells[1..].Select(cell => double.Parse(cell, CultureInfo.InvariantCulture)).ToArray()))];
    }
}
