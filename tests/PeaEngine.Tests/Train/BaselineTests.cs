using PeaEngine.Train;
using PeaEngine.Train.Config;
using PeaEngine.Train.Training;

namespace PeaEngine.Tests.Train;

/// <summary>Whole runs that train the sample model's UNet in the adapter's place, a few small steps long.</summary>
public sealed class BaselineTests : IDisposable
{
    readonly TemporaryFolder folder = new();
    readonly Backend backend = Device.Open("cpu", 2);

    public void Dispose()
    {
        backend.Dispose();
        folder.Dispose();
    }

    /// <summary>The same steps stopped and gone on with, or with blocks computed again, are the same to the bit; the adapter is the one that was given.</summary>
    [Theory]
    [InlineData(TrainTarget.Lora)]
    [InlineData(TrainTarget.CrossAttentionKv)]
    public void ARunThatGoesOnIsTheSameToTheBit(TrainTarget target)
    {
        var whole = Config("whole", target);
        Train(whole);
        var broken = Config("broken", target) with { Recompute = true };
        Assert.Throws<OperationCanceledException>(() => Train(broken, stopAfter: 1));
        Train(broken);
        RunFolder expected = new(whole.Output), actual = new(broken.Output);
        Assert.Equal(File.ReadAllBytes(expected.Metrics), File.ReadAllBytes(actual.Metrics));
        Assert.Equal(File.ReadAllBytes(expected.Lora), File.ReadAllBytes(actual.Lora));
        Assert.Equal(File.ReadAllBytes(expected.LoraAverage), File.ReadAllBytes(actual.LoraAverage));
        using GoldenTensors given = GoldenTensors.Open(whole.Adapter!), kept = GoldenTensors.Open(expected.Adapter), trained = GoldenTensors.Open(expected.Lora), average = GoldenTensors.Open(expected.LoraAverage);
        Assert.Equal(given.Names.Order(StringComparer.Ordinal), kept.Names.Order(StringComparer.Ordinal));
        foreach (var name in given.Names) Assert.Equal(given[name].Values, kept[name].Values);
        foreach (var name in trained.Names) Assert.NotEqual(trained[name].Values, average[name].Values);
        Assert.False(File.Exists(expected.Average));
    }

    [Fact]
    public void WithoutAnAdapterThatMapsTheStudentARunIsRefused()
    {
        var error = Assert.Throws<OptionException>(() => new Trainer(Config("a", TrainTarget.CrossAttentionKv) with { Adapter = null }, backend, _ => { }));
        Assert.StartsWith("adapter: null, expected one, or warm_start.steps above 0, for train: cross_attention_kv", error.Message, StringComparison.Ordinal);
    }

    TrainConfig Config(string name, TrainTarget target) => SampleRun.Config(folder.At(name)) with
    {
        Adapter = Path.Combine(SampleRun.Samples, "adapter.safetensors"),
        Train = target,
        Lora = new() { Rank = 4, Alpha = 2 },
        Steps = 2,
        EmaDecay = 0.5,
    };

    void Train(TrainConfig config, int stopAfter = int.MaxValue) => SampleRun.Train(config, backend, stopAfter);
}
