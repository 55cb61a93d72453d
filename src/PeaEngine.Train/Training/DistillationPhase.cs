using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Formats;
using PeaEngine.Train.Config;
using PeaEngine.Train.Data;
using PeaEngine.Train.Distillation;
using PeaEngine.Train.Metrics;
using PeaEngine.Train.Optimizers;
using PeaEngine.Train.Processes;
using PeaEngine.Train.Targets;

namespace PeaEngine.Train.Training;

/// <summary>The steps of distillation: batch, noise, teacher and student, losses, gradients.</summary>
sealed class DistillationPhase : TrainingPhase
{
    /// <summary>See <see cref="TrainingPhase.Name"/>.</summary>
    public const string PhaseName = "distillation";

    /// <summary>Numbers of SDXL's micro-conditioning.</summary>
    const int TimeIds = 6;

    readonly TrainConfig config;
    readonly TrainingTarget target;
    readonly Backend backend;
    readonly IBatches batches;
    readonly Distiller distiller;
    readonly Validation? validation;
    readonly int timesteps, samples;
    (DistillationBatch Batch, DataPosition After)? next;

    /// <summary>The phase at its beginning, or where the data of <paramref name="models"/> stands.</summary>
    public DistillationPhase(TrainConfig config, TrainModels models, TrainingTarget target, Backend backend, DataPosition? position, ProcessGroup processes)
        : base(new(backend, target.Parameters, OptimizerOptions(config.Optimizer, Rate(config), backend) with { EmaDecay = config.EmaDecay }, DistillationLoss.Parts), position, processes)
    {
        (this.config, this.target, this.backend, batches, validation) = (config, target, backend, models.Batches, models.Validation);
        var alphasCumprod = models.Teacher.AlphasCumprod;
        timesteps = alphasCumprod.Count;
        samples = (config.Data.BatchSize + processes.Count - 1) / processes.Count;
        distiller = new(backend, models.Teacher.UNet, target, alphasCumprod, LossOptions(config), models.Unconditional, processes);
        // So that no later batch, larger than those before, finds too little memory.
        distiller.Reserve(config.Data.Buckets.Max(Measure));
    }

    public override string Name => PhaseName;

    public override int Steps => config.Steps;

    public override int BatchSize => config.Data.BatchSize;

    public override bool Draws => true;

    public override long PeakBytes => distiller.PeakBytes;

    public override Metric[] Validate(CancellationToken cancellation) => validation?.IsDue(Done) == true ? validation.Run(distiller, cancellation) : [];

    /// <summary>
    /// The most bytes that a pass of a process on pictures of a size can have in use at once, beside the weights: every sample has a teacher, and a text is
    /// dropped if any may be. Nothing is computed.
    /// </summary>
    public long Measure(PixelSize size)
    {
        var (shape, count) = (batches.Shape, (samples + config.Accumulation - 1) / config.Accumulation);
        Shape latents = [count, shape.LatentChannels, size.Height / shape.Factor, size.Width / shape.Factor];
        float[] Rows(int width) => new float[count * width];
        var drops = new bool[count];
        drops[0] = config.TextDropout > 0;
        var isXL = shape.PooledChannels > 0;
        return distiller.Measure(new(latents, new float[latents.Elements], new float[latents.Elements], new int[count], Rows(shape.StudentTokens * shape.StudentChannels), new byte[count * shape.StudentTokens],
            Rows(shape.TeacherTokens * shape.TeacherChannels), isXL ? Rows(shape.PooledChannels) : null, isXL ? Rows(TimeIds) : null, new bool[count], drops));
    }

    public override IEnumerable<TensorContent> State() => [.. base.State(), .. UntrainedAdapter().Select(parameter => TensorState.Content(backend, parameter.Name, parameter.Value))];

    public override void Load(ITensorSource state)
    {
        base.Load(state);
        foreach (var (name, value) in UntrainedAdapter()) TensorState.Load(backend, state, name, value);
    }

    public override void Dispose()
    {
        distiller.Dispose();
        base.Dispose();
    }

    protected override DataPosition Accumulate(Action? then, CancellationToken cancellation)
    {
        var (batch, after) = next ?? Next(cancellation);
        next = null;
        distiller.Accumulate(batch, LossParts, then, config.Accumulation, LossScale, cancellation);
        return after;
    }

    protected override void Prepare(CancellationToken cancellation)
    {
        next = Next(cancellation);
        distiller.Prepare(next.Value.Batch, config.Accumulation);
    }

    protected override Metric[] Losses(ReadOnlySpan<double> parts) => DistillationLoss.Of(parts).Metrics("loss");

    /// <summary>An adapter that is not trained here may have been by a phase before this one.</summary>
    IEnumerable<(string Name, Tensor Value)> UntrainedAdapter() => target.TrainsAdapter ? [] : target.Adapter.Parameters.Select(pair => ($"adapter.{pair.Key}", pair.Value));

    /// <summary>The next batch, while the one behind it begins to be read.</summary>
    (DistillationBatch, DataPosition) Next(CancellationToken cancellation)
    {
        var batch = batches.Next(cancellation);
        if (batch.Step + 1 < Steps) batches.Ahead();
        return (StepRandomness.Draw(batch, config, batches.Shape, timesteps), batch.After);
    }

    static DistillationOptions LossOptions(TrainConfig config) => new()
    {
        LogitsWeight = config.Loss.Logits,
        FeatureWeight = config.Loss.Features,
        NormalizesFeatures = config.Loss.NormalizeFeatures,
        Distills = config.Mode != LossMode.Diffusion,
        LearnsFromNoise = config.Mode != LossMode.Kd,
        DropsPooled = config.DropPooled,
        MinSnrGamma = config.Loss.MinSnr,
        NormalizesGroups = config.Loss.PerGroup,
        Recomputes = config.Recompute,
    };

    static LearningRate Rate(TrainConfig config) => new(config.Schedule.Name, config.LearningRate, config.Schedule.LearningRateEnd, config.Schedule.Power, config.Schedule.WarmupSteps, config.Steps);
}
