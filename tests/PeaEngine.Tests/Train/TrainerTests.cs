using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Formats;
using PeaEngine.Tests.Checkpoints;
using PeaEngine.Train;
using PeaEngine.Train.Config;
using PeaEngine.Train.Training;

namespace PeaEngine.Tests.Train;

/// <summary>Whole training runs of the sample model, a few small steps long.</summary>
public sealed class TrainerTests : IDisposable
{
    readonly TemporaryFolder folder = new();
    readonly Backend backend = Device.Open("cpu", 2);

    public void Dispose()
    {
        backend.Dispose();
        folder.Dispose();
    }

    /// <summary>Stopped after a step and gone on with, a run gives the bytes that it would have given.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void ARunThatGoesOnIsTheSameToTheBit(int stopAfter)
    {
        var whole = Config("whole");
        Train(whole);
        var broken = Config("broken");
        Assert.Throws<OperationCanceledException>(() => Train(broken, stopAfter));
        Assert.Equal(stopAfter, File.ReadAllLines(new RunFolder(broken.Output).Metrics).Length);
        Train(broken);
        Assert.Equal(File.ReadAllBytes(new RunFolder(whole.Output).Adapter), File.ReadAllBytes(new RunFolder(broken.Output).Adapter));
        Assert.Equal(File.ReadAllBytes(new RunFolder(whole.Output).Metrics), File.ReadAllBytes(new RunFolder(broken.Output).Metrics));
    }

    /// <summary>What a process that was killed left behind: a checkpoint of an earlier step, and lines of later ones.</summary>
    [Fact]
    public void ARunThatWasKilledGoesOnFromItsNewestCheckpoint()
    {
        var whole = Config("whole") with { CheckpointEvery = 1, Keep = 9 };
        Train(whole);
        var run = new RunFolder(whole.Output);
        byte[] adapter = File.ReadAllBytes(run.Adapter), metrics = File.ReadAllBytes(run.Metrics);
        foreach (var checkpoint in Directory.GetDirectories(run.Checkpoints).Order(StringComparer.Ordinal).Skip(1)) Directory.Delete(checkpoint, recursive: true);
        File.Delete(run.Adapter);
        using (var trainer = new Trainer(whole, backend, _ => { })) Assert.Equal(1, trainer.Steps);
        Train(whole);
        Assert.Equal(adapter, File.ReadAllBytes(run.Adapter));
        Assert.Equal(metrics, File.ReadAllBytes(run.Metrics));
    }

    /// <summary>The same steps, cut into passes or with blocks computed again.</summary>
    [Fact]
    public void PassesAndRecomputedBlocksChangeNothing()
    {
        // AdamW divides small gradients, which are mostly rounding errors, by their own size, but for this epsilon.
        TrainConfig Whole(string name) => Config(name) with { Loss = new() { PerGroup = true, NormalizeFeatures = true }, Optimizer = new() { Epsilon = 1, MaxGradNorm = 0.1 }, LearningRate = 3 };
        Train(Whole("whole"));
        Train(Whole("recomputed") with { Recompute = true });
        Train(Whole("cut") with { Accumulation = 3 });
        Assert.Equal(File.ReadAllBytes(Adapter("whole")), File.ReadAllBytes(Adapter("recomputed")));
        Trajectory.AssertSame(Config("whole").Adapter!, new(folder.At("whole")), new(folder.At("cut")));

        string Adapter(string name) => new RunFolder(folder.At(name)).Adapter;
    }

    [Fact]
    public void ARunFromFreshWeightsBeginsWithTheSeeds()
    {
        Train(Config("first") with { Adapter = null, AdapterHidden = [64], Steps = 1, EmaDecay = 0.5 });
        Train(Config("second") with { Adapter = null, AdapterHidden = [64], Steps = 1, Seed = 1 });
        Assert.NotEqual(File.ReadAllBytes(new RunFolder(folder.At("first")).FreshAdapter), File.ReadAllBytes(new RunFolder(folder.At("second")).FreshAdapter));
        using var adapter = PeaAdapter.Load(new RunFolder(folder.At("first")).Average, backend);
        Assert.Equal((384, 320, 192, 32), (adapter.InFeatures, adapter.SequenceFeatures, adapter.PooledFeatures, adapter.Metadata.StudentLength));
    }

    [Fact]
    public void TheAdapterDrawsAndTellsWhatItIs()
    {
        Train(Config("run"));
        var source = new PipelineSource(Path.Combine(SampleRun.Samples, "teacher")) { Student = Path.Combine(SampleRun.Samples, "student"), Adapter = new RunFolder(folder.At("run")).Adapter };
        using var pipeline = DiffusionPipeline.Load(source, backend);
        Assert.NotEmpty(pipeline.Generate(new() { Prompt = "老虎头", Steps = 1 }));
        using var file = SafetensorsFile.Open(source.Adapter);
        using var torch = TorchFile.Open(new RunFolder(folder.At("run")).TorchAdapter);
        Assert.Equal(("zh,it", "3", "32"), (file.Metadata["languages"], file.Metadata["step"], file.Metadata["student_length"]));
        Assert.Equal(("384,512,512,192,320", "all"), (file.Metadata["dimensions"], file.Metadata["pooled_mean"]));
        Assert.Matches("^bert sha256:[0-9a-f]{64}$", file.Metadata["student"]);
        Assert.Equal(file.Metadata.OrderBy(note => note.Key), torch.Metadata.OrderBy(note => note.Key));
        Assert.Equal(["layernorm.weight", "layernorm.bias", "projector.0.weight", "projector.2.weight", "projector.4.weight", "fc.weight", "fc.bias"], torch.Tensors.Keys);
        CheckpointConversionTests.AssertSame(file, torch);
    }

    /// <summary>Whether the pooled mean leaves padding out is trained with, noted, and drawn with; a fresh adapter and one whose file does not say do as the key says.</summary>
    [Fact]
    public void TheMaskedMeanIsTrainedAndNoted()
    {
        Train(Config("fresh") with { Adapter = null, AdapterHidden = [64], Steps = 1, MaskedPooled = true });
        Train(Config("given") with { Steps = 1, MaskedPooled = true });
        Train(Config("plain") with { Steps = 1 });
        foreach (var path in new[] { Run("fresh").FreshAdapter, Run("fresh").Adapter, Run("given").Adapter, Run("given").TorchAdapter })
        {
            using var adapter = PeaAdapter.Load(path, backend);
            Assert.Equal((true, 32), (adapter.MasksPooledMean, adapter.Metadata.StudentLength));
        }
        Assert.NotEqual(Loss("given"), Loss("plain"));

        // It goes on as the file says; another wish is refused.
        var more = Config("more") with { Steps = 1, Adapter = Run("given").Adapter, StudentLength = null };
        Train(more);
        Assert.True(AdapterMetadata.Read(Run("more").Adapter).MasksPooledMean);
        Assert.Equal($"masked_pooled: false, but {more.Adapter} was trained with true; expected that, or null", Refusal(more with { MaskedPooled = false }));
        Assert.Equal($"student_length: 16, but {more.Adapter} was trained with 32; expected that, or null", Refusal(more with { StudentLength = 16 }));

        RunFolder Run(string name) => new(folder.At(name));
        string Loss(string name) => File.ReadAllText(Run(name).Metrics);
    }

    [Fact]
    public void ABatchThatIsTooSmallForItsPassesIsNamed()
    {
        Assert.Contains("batch_size: 4, expected 5 or more", Refusal(Config("a") with { Accumulation = 5 }), StringComparison.Ordinal);
    }

    string Refusal(TrainConfig config) => Assert.Throws<OptionException>(() => new Trainer(config, backend, _ => { })).Message;

    TrainConfig Config(string name) => SampleRun.Config(folder.At(name)) with
    {
        Adapter = Path.Combine(SampleRun.Samples, "initial-adapter.safetensors"),
        Steps = 3,
        CheckpointEvery = 2,
    };

    void Train(TrainConfig config, int stopAfter = int.MaxValue) => SampleRun.Train(config, backend, stopAfter);
}
