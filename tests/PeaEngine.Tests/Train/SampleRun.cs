using PeaEngine.Train;
using PeaEngine.Train.Config;
using PeaEngine.Train.Data;
using PeaEngine.Train.Training;

namespace PeaEngine.Tests.Train;

/// <summary>A run of the sample models on their own data as it comes, without a cache; see also <see cref="SmallRun"/>.</summary>
static class SampleRun
{
    /// <summary>The folder of the samples.</summary>
    public static string Samples { get; } = Path.Combine(Repository.Root, "samples", "emoji");

    /// <summary>Its configuration, but for what begins and how long it is.</summary>
    public static TrainConfig Config(string output) => new()
    {
        Output = output,
        Teacher = Path.Combine(Samples, "teacher"),
        Student = Path.Combine(Samples, "student"),
        StudentLength = 32,
        LearningRate = 1e-3,
        TextDropout = 0.3,
        Data = new()
        {
            Sources = [new([Path.Combine(Samples, "data", "train-0000.tar")])],
            Languages = ["zh", "it"],
            Buckets = [new(64, 64)],
            Sampling = Sampling.Uniform,
            Latents = LatentSampling.Mean,
            BatchSize = 4,
        },
    };

    /// <summary>Runs it, and cancels it after a step if that is asked for.</summary>
    public static void Train(TrainConfig config, Backend backend, int stopAfter = int.MaxValue)
    {
        using var stop = new CancellationTokenSource();
        using var trainer = new Trainer(config, backend, _ => { });
        trainer.Run(new Watcher<TrainingProgress>(progress =>
        {
            if (progress.Step == stopAfter) stop.Cancel();
        }), stop.Token);
    }
}
