using System.Text.Json;
using PeaEngine.Cli;
using PeaEngine.Formats;
using PeaEngine.Tests.Cli;
using PeaEngine.Tests.Train.Data;
using PeaEngine.Train;
using PeaEngine.Train.Config;
using PeaEngine.Train.Data;
using PeaEngine.Train.Optimizers;

namespace PeaEngine.Tests.Train;

/// <summary>What the keys of a configuration do to the steps of a run: rates, averages, steps that are not finite.</summary>
public sealed class ConfiguredStepsTests(CacheFixture data) : IClassFixture<CacheFixture>, IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(LearningRateSchedule.Polynomial)]
    [InlineData(LearningRateSchedule.Cosine)]
    [InlineData(LearningRateSchedule.Constant)]
    public void RatesFollowTheSchedule(LearningRateSchedule schedule)
    {
        var run = SmallRun.Train(Config(8) with { LearningRate = 1e-3, Schedule = new() { Name = schedule, WarmupSteps = 2, LearningRateEnd = 1e-4, Power = 2 } });
        var rates = Lines(run).Select(line => line.GetProperty("learning_rate").GetDouble()).ToList();
        Assert.Equal(8, rates.Count);
        for (var step = 0; step < 8; step++)
        {
            var left = 1 - (step - 2) / 6.0;
            var expected = step < 2 ? 1e-3 * step / 2 : schedule switch
            {
                LearningRateSchedule.Polynomial => 1e-4 + 9e-4 * left * left,
                LearningRateSchedule.Cosine => 1e-4 + 9e-4 * (1 + Math.Cos(Math.PI * (1 - left))) / 2,
                _ => 1e-3,
            };
            Assert.Equal(expected, rates[step], 1e-12);
        }
    }

    /// <summary>θ̄ = d·θ̄ + (1 − d)·θ after each step, from the first weights on; AdamW's decay of each step is in the weights.</summary>
    [Fact]
    public void TheAverageIsThatOfTheWeightsOfEveryStep()
    {
        const double Decay = 0.7;
        var run = SmallRun.Train(Config(4) with { EmaDecay = Decay, LearningRate = 1e-2, CheckpointEvery = 1, Keep = 9, Optimizer = new() { WeightDecay = 0.1 } });
        using var average = GoldenTensors.Open(run.Average);
        using var last = GoldenTensors.Open(run.Adapter);
        using var first = GoldenTensors.Open(run.FreshAdapter);
        var checkpoints = Directory.GetFiles(run.Checkpoints, "distillation.safetensors", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(path => GoldenTensors.Open(path)).ToList();
        Assert.Equal(4, checkpoints.Count);
        foreach (var name in average.Names)
        {
            double[] expected = [.. first[name].Values];
            foreach (var checkpoint in checkpoints) expected = [.. expected.Zip(checkpoint[$"parameter.{name}"].Values, (mean, value) => Decay * mean + (1 - Decay) * value)];
            Assert.Equal(last[name].Values, checkpoints[^1][$"parameter.{name}"].Values);
            var most = expected.Max(Math.Abs);
            for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], average[name].Values[i], 1e-6 * most);
            Assert.NotEqual(last[name].Values, average[name].Values);
        }
        checkpoints.ForEach(checkpoint => checkpoint.Dispose());
    }

    /// <summary>They are counted; the schedule and the data go on, AdamW's count and the weights do not; twenty in a row end the run.</summary>
    [Fact]
    public void StepsThatAreNotFiniteMoveNothing()
    {
        var adapter = folder.At("nan.safetensors");
        using (var good = SafetensorsFile.Open(Path.Combine(Repository.Root, "samples", "emoji", "initial-adapter.safetensors")))
            SafetensorsWriter.Write(adapter, good.Tensors.Values.Select(info => info.Name == "fc.bias" ? TensorContent.FromSingles(info.Name, info.Shape, Enumerable.Repeat(float.NaN, (int)info.Elements).ToArray()) : TensorContent.FromSource(good, info.Name)));
        var config = Config(50) with { Adapter = adapter, CheckpointEvery = 1, Keep = 50, Schedule = new() { WarmupSteps = 40 } };
        var failed = CommandLine.Run("train", SmallRun.Write(config));
        Assert.Equal(ExitCode.Failed, failed.Code);
        Assert.Contains("step 20: loss NaN", failed.Error, StringComparison.Ordinal);
        Assert.Contains("20 steps in a row that are not finite", failed.Error, StringComparison.Ordinal);

        var run = new RunFolder(config.Output);
        var lines = Lines(run);
        Assert.Equal(19, lines.Count);
        for (var i = 0; i < lines.Count; i++)
        {
            Assert.Equal((i + 1, i + 1, JsonValueKind.Null), (lines[i].GetProperty("step").GetInt32(), lines[i].GetProperty("skipped").GetInt32(), lines[i].GetProperty("loss").ValueKind));
            Assert.Equal(config.LearningRate * i / 40, lines[i].GetProperty("learning_rate").GetDouble(), 1e-12);
        }
        var checkpoints = Directory.GetDirectories(run.Checkpoints).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(19, checkpoints.Count);
        Assert.Equal(Enumerable.Range(1, 19).Select(step => (long)step), checkpoints.Select(path => DataPosition.FromJson(File.ReadAllText(Path.Combine(path, "position.json")), "position").Batches));
        using var before = GoldenTensors.Open(adapter);
        using var after = GoldenTensors.Open(Path.Combine(checkpoints[^1], "distillation.safetensors"));
        // Steps, those that were applied, those that were skipped in a row.
        Assert.Equal([19, 0, 19], after.Integers("optimizer.counters"));
        foreach (var name in before.Names) Assert.Equal(before[name].Values, after[$"parameter.{name}"].Values);
    }

    /// <summary>The shard is a server's, its cache in a folder: the same steps as from files, and what was left out is told.</summary>
    [Fact]
    public void ACacheMayBeInAFolderOfItsOwn()
    {
        var config = Config(3);
        config = config with { Data = config.Data with { Sources = [new([data.Shards[0]])] } };
        var expected = SmallRun.Train(config);
        using var server = new ShardServer([.. ShardFiles.Samples([("x", 64, 64, "{}")])[..^1024], .. File.ReadAllBytes(data.Shards[0])]);
        Directory.CreateDirectory(folder.At("caches"));
        new CacheBuilder(config.Data, data.Encoders, data.Models, folder.At("caches")).Build(server.Url);
        config = config with { Output = folder.At("served"), CacheFolder = folder.At("caches"), Data = config.Data with { Sources = [new([server.Url])] } };
        var run = CommandLine.Run("train", SmallRun.Write(config));
        Assert.Equal($"wrote {new RunFolder(config.Output).Adapter}; dropped 1 NoCaption{Environment.NewLine}", run.Output);
        // Checkpoints differ: the position has the shard's bytes.
        Assert.Equal(File.ReadAllText(expected.Metrics), File.ReadAllText(new RunFolder(config.Output).Metrics));
        Assert.Equal(File.ReadAllBytes(expected.Adapter), File.ReadAllBytes(new RunFolder(config.Output).Adapter));
    }

    TrainConfig Config(int steps) => SmallRun.Config(data, folder.At("run")) with { Steps = steps };

    static List<JsonElement> Lines(RunFolder run) => [.. File.ReadAllLines(run.Metrics).Select(line => JsonDocument.Parse(line).RootElement)];
}
