using PeaEngine.Train.Config;
using PeaEngine.Train.Data;
using PeaEngine.Train.Distillation;
using PeaEngine.Train.Metrics;

namespace PeaEngine.Train.Training;

/// <summary>
/// The loss of samples that are not trained with, at noise and timesteps that are always the same: the terms of training, without dropped texts and
/// noise offset. Nothing of the training depends on it.
/// </summary>
sealed class Validation
{
    /// <summary>The name of its number in a log.</summary>
    public const string LossName = "validation_loss";

    readonly TrainConfig config;
    readonly IReadOnlyList<DistillationBatch> batches;

    /// <summary>Draws the noise.</summary>
    /// <param name="config">The seed, the timesteps, and how often.</param>
    /// <param name="samples">The samples, in batches that are no larger than a pass of training.</param>
    /// <param name="shape">The sizes of the batches.</param>
    public Validation(TrainConfig config, IReadOnlyList<Batch> samples, BatchShape shape)
    {
        this.config = config;
        batches = [.. samples.SelectMany(batch => config.Validation.Timesteps.Select(timestep => StepRandomness.Fixed(batch, config.Seed, shape, timestep)))];
    }

    /// <summary>Refuses what cannot be validated with.</summary>
    /// <param name="config">The run.</param>
    /// <param name="timesteps">How many the teacher was trained with.</param>
    /// <exception cref="OptionException">A timestep is none of the teacher's, or a shard is trained with.</exception>
    public static void Check(TrainConfig config, int timesteps)
    {
        if (config.Validation.Timesteps.FirstOrDefault(timestep => timestep >= timesteps, -1) is >= 0 and var wrong)
            throw new OptionException($"validation.timesteps: {wrong}, expected less than the teacher's {timesteps}");
        static IEnumerable<string> Paths(IReadOnlyList<string> shards) => ShardList.Expand(shards).Select(shard => ShardStream.IsUrl(shard) ? shard : Path.GetFullPath(shard));
        if (config.Data.Sources.SelectMany(source => Paths(source.Shards)).Intersect(Paths(config.Validation.Shards)).FirstOrDefault() is { } shared)
            throw new OptionException($"validation.shards: {shared} is trained with, expected other shards");
    }

    /// <summary>Whether one is due after a step.</summary>
    public bool IsDue(long step) => step % config.Validation.Every == 0 || step == config.Steps;

    /// <summary>The loss and its terms, the means over all samples and timesteps.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public Metric[] Run(Distiller distiller, CancellationToken cancellation) => distiller.Evaluate(batches, cancellation).Metrics(LossName);
}
