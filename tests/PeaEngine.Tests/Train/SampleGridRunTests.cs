using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Tests.Cli;
using PeaEngine.Tests.Train.Data;
using PeaEngine.Train;
using PeaEngine.Train.Config;

namespace PeaEngine.Tests.Train;

/// <summary>Grids of pictures that a run draws on its way.</summary>
public sealed class SampleGridRunTests(CacheFixture data) : IClassFixture<CacheFixture>, IDisposable
{
    static readonly string[] Prompts = ["老虎头", "testa di tigre", "호랑이 얼굴"];

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>They show what the adapter draws, and the run does not notice them.</summary>
    [Fact]
    public void PicturesAreTheAdaptersAndChangeNothing()
    {
        var plain = SmallRun.Train(SmallRun.Config(data, folder.At("plain")) with { Steps = 5, CheckpointEvery = 3 });
        var run = SmallRun.Train(Config("drawn"));
        Assert.Equal(["step-000002.png", "step-000004.png", "step-000005.png"], Directory.EnumerateFiles(run.Samples).Select(Path.GetFileName).Order());
        Assert.Equal(File.ReadAllText(plain.Metrics), File.ReadAllText(run.Metrics));
        Assert.Equal(File.ReadAllBytes(plain.Adapter), File.ReadAllBytes(run.Adapter));

        AssertDrawn(run, CacheFixture.Teacher with { Student = CacheFixture.Student, Adapter = run.Adapter });
        Assert.NotEqual(File.ReadAllBytes(run.SamplesOf(4)), File.ReadAllBytes(run.SamplesOf(5)));
    }

    /// <summary>What is trained in the adapter's place is in the pictures, as it is in the file that is drawn with beside the adapter.</summary>
    [Theory]
    [InlineData(TrainTarget.Lora)]
    [InlineData(TrainTarget.CrossAttentionKv)]
    public void PicturesAreTheTrainedUNets(TrainTarget target)
    {
        var config = Config("run") with { Train = target, Adapter = Path.Combine(Repository.Root, "samples", "emoji", "adapter.safetensors"), LearningRate = 0.01 };
        var result = CommandLine.Run("train", SmallRun.Write(config));
        var run = new RunFolder(config.Output);
        Assert.Equal($"wrote {run.Lora}\n", result.Output.ReplaceLineEndings("\n"));
        var source = CacheFixture.Teacher with { Student = CacheFixture.Student, Adapter = run.Adapter };
        AssertDrawn(run, source with { Loras = [new(run.Lora)] });
        Assert.ThrowsAny<Exception>(() => AssertDrawn(run, source));
    }

    /// <summary>What a process that was killed between a checkpoint and the end of its step did not come to: the line, the pictures.</summary>
    [Fact]
    public void WhatWasNotDoneAfterACheckpointIsDoneWhenItGoesOn()
    {
        var config = Config("run") with { Validation = new() { Every = 2, Shards = [data.Shards[1]], Samples = 2, Timesteps = [500] } };
        var run = SmallRun.Train(config with { Data = config.Data with { Sources = [new([data.Shards[0]])] } });
        var files = Directory.EnumerateFiles(run.Path, "*", SearchOption.AllDirectories).ToDictionary(file => file, File.ReadAllBytes);
        var lines = File.ReadAllLines(run.Metrics);
        Assert.Contains("validation_loss", lines[^1], StringComparison.Ordinal);
        File.WriteAllLines(run.Metrics, lines[..^1]);
        foreach (var file in (string[])[run.SamplesOf(5), run.Adapter, run.Plot]) File.Delete(file);

        var resumed = CommandLine.Run("train", "--resume", run.Path);

        Assert.True(resumed.Code == PeaEngine.Cli.ExitCode.Done, resumed.Error);
        Assert.All(files, file => Assert.True(file.Value.AsSpan().SequenceEqual(File.ReadAllBytes(file.Key)), file.Key));
    }

    [Fact]
    public void TheFilesAreToldOf()
    {
        var run = CommandLine.Run("train", SmallRun.Write(Config("run")));
        if (Console.IsErrorRedirected) Assert.Contains($"wrote {new RunFolder(folder.At("run")).SamplesOf(2)}\n", run.Error.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    [Fact]
    public void WhatCannotBeDrawnIsRefusedBeforeTheFirstStep()
    {
        var config = Config("run");
        CommandLine.Run("train", SmallRun.Write(config with { Samples = config.Samples with { Size = new(63, 64) } })).AssertFails(PeaEngine.Cli.ExitCode.WrongUsage, "height: 63");
        CommandLine.Run("train", SmallRun.Write(config with { Samples = config.Samples with { Scheduler = "best" } })).AssertFails(PeaEngine.Cli.ExitCode.WrongUsage, "'best'");
        Assert.False(File.Exists(new RunFolder(folder.At("run")).Metrics));
    }

    /// <summary>That the last grid is what the pipeline draws, three pictures in two columns, two pixels apart.</summary>
    static void AssertDrawn(RunFolder run, PipelineSource source)
    {
        using var backend = Device.Open();
        using var pipeline = DiffusionPipeline.Load(source, backend);
        var grid = PixelImage.Load(run.SamplesOf(5));
        Assert.Equal((130, 130), (grid.Width, grid.Height));
        for (var i = 0; i < Prompts.Length; i++)
        {
            var picture = pipeline.Generate(new() { Prompt = Prompts[i], Steps = 2, Guidance = 3, Scheduler = "dpmpp-2m", Seed = 7, Width = 64, Height = 64 })[0].Pixels;
            for (var y = 0; y < 64; y++) Assert.True(picture.Row(y).SequenceEqual(grid.Row(i / 2 * 66 + y).Slice(i % 2 * 66 * 3, 64 * 3)), $"picture {i}, row {y}");
        }
    }

    TrainConfig Config(string name) => SmallRun.Config(data, folder.At(name)) with
    {
        Steps = 5,
        CheckpointEvery = 3,
        Samples = new() { Every = 2, Prompts = Prompts, Steps = 2, Guidance = 3, Scheduler = "dpmpp-2m", Seed = 7, Size = new(64, 64) },
    };
}
