using System.Text.Json;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Train.Config;
using PeaEngine.Train.Data;
using PeaEngine.Train.Optimizers;

namespace PeaEngine.Tests.Train;

/// <summary><c>samples/emoji/train.yaml</c> asks for what the reference did.</summary>
public class SampleConfigGoldenTests
{
    const string Name = "reference_training.json";

    public static TheoryData<string> Cases => GoldenFolder.Cases("pipeline", name => File.Exists(GoldenFolder.At("pipeline", name, Name)));

    [Theory, MemberData(nameof(Cases))]
    public void TheSampleFollowsTheReference(string folder)
    {
        if (GoldenFolder.IsAbsent(folder)) return;
        using var document = JsonDocument.Parse(File.ReadAllBytes(GoldenFolder.At("pipeline", folder, Name)));
        var reference = document.RootElement;
        JsonElement Of(string part, string key) => reference.GetProperty(part).GetProperty(key);
        var config = TrainConfig.Load(Path.Combine(Repository.Root, "samples", "emoji", "train.yaml"));

        Assert.Equal([Of("data", "shards").GetString()!], Assert.Single(config.Data.Sources).Shards);
        Assert.Equal(Of("data", "languages").EnumerateArray().Select(language => language.GetString()), config.Data.Languages);
        Assert.Equal((Sampling.Uniform, LossMode.Hybrid, TrainTarget.Adapter), (config.Data.Sampling, config.Mode, config.Train));
        Assert.Equal(Of("inputs", "latents").GetString()!.StartsWith("VAE posterior mean", StringComparison.Ordinal) ? LatentSampling.Mean : LatentSampling.Sample, config.Data.Latents);
        int[] timeIds = [.. Of("inputs", "time_ids").EnumerateArray().Select(value => value.GetInt32())];
        Assert.Equal([new PixelSize(timeIds[0], timeIds[1])], config.Data.Buckets);
        Assert.Equal(Of("inputs", "student_tokens").GetInt32(), config.StudentLength);
        Assert.Equal((reference.GetProperty("batch_size").GetInt32(), reference.GetProperty("steps").GetInt32()), (config.Data.BatchSize, config.Steps));
        Assert.Equal(reference.GetProperty("initial_adapter").GetString(), config.Adapter);
        Assert.Equal((Of("unconditional", "probability").GetDouble(), Of("unconditional", "drop_pooled").GetBoolean()), (config.TextDropout, config.DropPooled));
        Assert.StartsWith(config.TeacherUncond.ToString()!, Of("unconditional", "teacher").GetString(), StringComparison.OrdinalIgnoreCase);
        Assert.Equal(new LossConfig { Logits = Of("loss", "logits").GetDouble(), Features = Of("loss", "features").GetDouble() }, config.Loss);
        var (optimizer, schedule) = (reference.GetProperty("optimizer"), reference.GetProperty("schedule"));
        Assert.Equal(new OptimizerConfig
        {
            Beta1 = optimizer.GetProperty("betas")[0].GetDouble(),
            Beta2 = optimizer.GetProperty("betas")[1].GetDouble(),
            Epsilon = optimizer.GetProperty("eps").GetDouble(),
            WeightDecay = optimizer.GetProperty("weight_decay").GetDouble(),
            MaxGradNorm = optimizer.GetProperty("max_grad_norm").GetDouble(),
        }, config.Optimizer);
        Assert.Equal(schedule.GetProperty("lr").GetDouble(), config.LearningRate);
        Assert.Equal(new ScheduleConfig
        {
            Name = LearningRateSchedule.Polynomial,
            WarmupSteps = schedule.GetProperty("warmup_steps").GetInt32(),
            LearningRateEnd = schedule.GetProperty("lr_end").GetDouble(),
        }, config.Schedule);
        Assert.Equal((1, 0, null), (config.Accumulation, config.WarmStart.Steps, config.EmaDecay));
    }
}
