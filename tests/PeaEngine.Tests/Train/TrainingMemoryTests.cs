using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Tests.Train.Data;
using PeaEngine.Train.Config;
using PeaEngine.Train.Training;

namespace PeaEngine.Tests.Train;

/// <summary>What a dry run says, against the arena of a run that computes.</summary>
public sealed class TrainingMemoryTests : IDisposable
{
    static readonly string Samples = Path.Combine(Repository.Root, "samples", "emoji");

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("64x64", "")]
    [InlineData("64x64", "recompute")]
    [InlineData("128x64", "no features")]
    [InlineData("128x96", "recompute, cut, normalised")]
    [InlineData("64x64", "no dropout, average")]
    [InlineData("64x64", "no teacher")]
    [InlineData("96x64", "fresh, recompute, no teacher")]
    [InlineData("64x64", "lora")]
    [InlineData("96x64", "lora, recompute, average")]
    [InlineData("64x64", "keys and values")]
    public void IsThatOfARunWithinAPercent(string size, string changes)
    {
        var config = Config(size, changes);
        var dry = TrainingMemory.Measure(config);
        var bucket = dry.Buckets.Single(bucket => bucket.Size == config.Data.Buckets[0]);
        Assert.Empty(Directory.GetDirectories(folder.Path));
        using var backend = Device.Open("cpu", 2);
        using var trainer = new Trainer(config, backend, Assert.Fail);
        trainer.Run();
        double expected = trainer.PeakBytes, actual = config.Recompute ? bucket.Recomputed : bucket.Activations;
        Assert.InRange(actual, 0.99 * expected, 1.01 * expected);
        Assert.Equal((trainer.WeightBytes, trainer.TrainedBytes), (dry.Weights, dry.Trained));
    }

    /// <summary>One size of samples that all have a teacher, and texts that are dropped: the batches that take the most. A second size is never drawn.</summary>
    TrainConfig Config(string size, string changes)
    {
        bool Has(string change) => changes.Contains(change, StringComparison.Ordinal);
        var extents = size.Split('x');
        PixelSize bucket = new(int.Parse(extents[1]), int.Parse(extents[0]));
        var shard = folder.At("train.tar");
        File.WriteAllBytes(shard, ShardFiles.Samples(Enumerable.Range(0, 8).Select(i => ($"s{i}", bucket.Width, bucket.Height, """{"caption_zh": "虎", "caption_en": "tiger"}"""))));
        return new()
        {
            Output = folder.At("run"),
            Teacher = Path.Combine(Samples, "teacher"),
            Student = Path.Combine(Samples, "student"),
            StudentLength = 32,
            Adapter = Has("fresh") ? null : Path.Combine(Samples, "initial-adapter.safetensors"),
            AdapterHidden = [96, 64],
            Train = Has("lora") ? TrainTarget.Lora : Has("keys and values") ? TrainTarget.CrossAttentionKv : TrainTarget.Adapter,
            Steps = 2,
            Recompute = Has("recompute"),
            Accumulation = Has("cut") ? 2 : 1,
            TextDropout = Has("no dropout") ? 0 : 1,
            Mode = Has("no teacher") ? LossMode.Diffusion : LossMode.Hybrid,
            EmaDecay = Has("average") ? 0.9 : null,
            Loss = new() { Features = Has("no features") ? 0 : 0.1, NormalizeFeatures = Has("normalised") },
            Data = new() { Sources = [new([shard])], Languages = ["zh"], Buckets = [bucket, new(32, 256)], BatchSize = 4 },
        };
    }
}
