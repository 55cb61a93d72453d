using System.Globalization;
using PeaEngine.Train;

namespace PeaEngine.Cli;

/// <summary>Shows how far a training run is, with its loss and speed.</summary>
static class TrainProgress
{
    /// <summary>Runs the training and shows how far it is.</summary>
    public static TResult Watch<TResult>(TextWriter error, Func<IProgress<TrainingProgress>, TResult> train) => ProgressDisplay.Watch(error, "loading the models", Describe, train);

    /// <summary>What is said of a step.</summary>
    internal static ProgressState Describe(TrainingProgress progress) => new(progress.Step, progress.Total, progress.Elapsed,
        string.Create(CultureInfo.InvariantCulture, $"{progress.Phase} {progress.Step}/{progress.Total}, loss {progress.Loss:0.00000}, {progress.SamplesPerSecond:0.0} samples/s"), progress.Left,
        progress.Written == null ? null : $"wrote {progress.Written}");
}
