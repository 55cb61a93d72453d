using PeaEngine.Cli;
using PeaEngine.Tests.Cli;
using PeaEngine.Tests.Train.Data;
using PeaEngine.Train;
using PeaEngine.Train.Config;
using PeaEngine.Train.Data;
using PeaEngine.Train.Optimizers;

namespace PeaEngine.Tests.Train;

/// <summary>A run of the sample models over a few cached samples, whose steps take a moment.</summary>
static class SmallRun
{
    /// <summary>Its configuration: fresh weights, an average beside them, dropped texts.</summary>
    public static TrainConfig Config(CacheFixture data, string output) => Config(data.Options with { BatchSize = 1 }, output);

    /// <summary>The same of other cached data.</summary>
    public static TrainConfig Config(DataOptions data, string output) => new()
    {
        Output = output,
        Teacher = CacheFixture.Teacher.Model,
        Student = CacheFixture.Student,
        StudentLength = 32,
        AdapterHidden = [256],
        LearningRate = 1e-3,
        EmaDecay = 0.9,
        TextDropout = 0.3,
        TensorBoard = false,
        Cache = true,
        Data = data,
    };

    /// <summary>Runs it in this process, with the default number of threads.</summary>
    public static RunFolder Train(TrainConfig config)
    {
        var run = CommandLine.Run("train", Write(config));
        Assert.True(run.Code == ExitCode.Done, run.Error);
        return new(config.Output);
    }

    /// <summary>Writes its configuration beside its folder: the path.</summary>
    public static string Write(TrainConfig config)
    {
        config.Save(config.Output + ".yaml");
        return config.Output + ".yaml";
    }

    const int MostSteps = 5000;

    /// <summary>Of more steps than any run makes before it is stopped, however slow whoever stops it is. Every step has a learning rate of its own, whatever the last one is.</summary>
    public static TrainConfig Endless(CacheFixture data, string output) => Config(data, output) with { Steps = MostSteps, CheckpointEvery = MostSteps, Schedule = new() { Name = LearningRateSchedule.Constant, WarmupSteps = MostSteps } };

    /// <summary>Lets a run that was stopped end at a step when it is resumed.</summary>
    public static void EndAt(RunFolder run, int steps) => (TrainConfig.Load(run.Config) with { Steps = steps }).Save(run.Config);

    /// <summary>Lines of its log.</summary>
    public static int Lines(RunFolder run)
    {
        if (!File.Exists(run.Metrics)) return 0;
        using var reader = new StreamReader(new FileStream(run.Metrics, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd().Count(character => character == '\n');
    }

    /// <summary>That two runs have left the same bytes: what was trained, its average, the log, and every checkpoint.</summary>
    public static void AssertSame(RunFolder expected, RunFolder actual)
    {
        string[] Checkpoints(RunFolder run) => [.. Directory.EnumerateFiles(run.Checkpoints, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(run.Path, file)).Order(StringComparer.Ordinal)];
        Assert.Equal(File.ReadAllText(expected.Metrics), File.ReadAllText(actual.Metrics));
        Assert.Equal(Checkpoints(expected), Checkpoints(actual));
        foreach (var file in Checkpoints(expected).Append(Path.GetFileName(expected.Adapter)).Append(Path.GetFileName(expected.Average)))
            Assert.True(File.ReadAllBytes(Path.Combine(expected.Path, file)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(actual.Path, file))), $"{file}: other bytes");
    }
}
