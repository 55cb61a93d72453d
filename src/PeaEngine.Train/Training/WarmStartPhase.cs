using System.Runtime.InteropServices;
using PeaEngine.Formats;
using PeaEngine.Randomness;
using PeaEngine.Train.Config;
using PeaEngine.Train.Data;
using PeaEngine.Train.Distillation;
using PeaEngine.Train.Metrics;
using PeaEngine.Train.Optimizers;
using PeaEngine.Train.Processes;
using PeaEngine.Train.Targets;

namespace PeaEngine.Train.Training;

/// <summary>
/// The text-only start: the adapter is regressed on the teacher's embeddings of the English captions, and for dropped text on what the teacher gets there,
/// so that distillation begins with an adapter that says nearly the same as the teacher.
/// </summary>
sealed class WarmStartPhase : TrainingPhase
{
    /// <summary>See <see cref="TrainingPhase.Name"/>.</summary>
    public const string PhaseName = "warm-start";

    /// <summary>Captions that are measured before the first step.</summary>
    const int MeasuredCaptions = 1024;

    /// <summary>Less is rounding.</summary>
    const double LeastVariance = 1e-9;

    const string VarianceName = "warm_start.variance";

    readonly TrainConfig config;
    readonly BatchShape shape;
    readonly AdapterTarget target;
    readonly Backend backend;
    readonly ITextBatches texts;
    readonly TextRegression regression;
    readonly UnconditionalText unconditional;
    readonly ProcessGroup processes;
    TextVariance? variance;

    /// <summary>The phase at its beginning, or with its data at a position.</summary>
    /// <exception cref="PeaException">Student and teacher have other numbers of positions, no sample has an English caption, or the position is another run's.</exception>
    public WarmStartPhase(TrainConfig config, TrainModels models, Backend backend, DataPosition? position, ProcessGroup processes)
        : this(config, models, new AdapterTarget(backend, models.Adapter), backend, position, processes) { }

    /// <summary>It trains the adapter, whatever the run trains afterwards.</summary>
    WarmStartPhase(TrainConfig config, TrainModels models, AdapterTarget target, Backend backend, DataPosition? position, ProcessGroup processes)
        : base(new(backend, target.Parameters, OptimizerOptions(config.Optimizer, Rate(config), backend), losses: 2), position, processes)
    {
        (this.config, this.target, this.backend, this.processes) = (config, target, backend, processes);
        (shape, unconditional) = (models.Batches.Shape, models.Unconditional);
        if (shape.StudentTokens != shape.TeacherTokens)
            throw new PeaException($"warm start: the student has {shape.StudentTokens} positions, expected the teacher's {shape.TeacherTokens}, with which they are compared one by one; set student_length, or warm_start.steps to 0");
        texts = models.Batches.Texts(config.WarmStart.BatchSize, position);
        regression = new(backend, target.Adapter, target.Gradients);
    }

    public override string Name => PhaseName;

    public override int Steps => config.WarmStart.Steps;

    public override int BatchSize => config.WarmStart.BatchSize;

    public override long PeakBytes => regression.PeakBytes;

    public override IEnumerable<TensorContent> State() => variance is not { } known ? base.State() :
        base.State().Append(TensorContent.FromBytes(new(VarianceName, DType.F64, [2]), MemoryMarshal.AsBytes<double>([known.Sequence, known.Pooled]).ToArray()));

    public override void Load(ITensorSource state)
    {
        base.Load(state);
        Span<double> values = stackalloc double[2];
        if (!state.Tensors.TryGetValue(VarianceName, out var info) || info.DType != DType.F64 || info.Elements != values.Length)
            throw new PeaException($"{state.Path}: no tensor '{VarianceName}' [{values.Length}] F64, expected a warm start's state");
        state.Read(VarianceName, 0, MemoryMarshal.AsBytes(values));
        variance = new(values[0], values[1]);
    }

    public override void Dispose()
    {
        regression.Dispose();
        base.Dispose();
        target.Dispose();
    }

    protected override DataPosition Accumulate(Action? then, CancellationToken cancellation)
    {
        variance ??= Begin(cancellation);
        var batch = texts.Next(cancellation);
        DropTexts(batch);
        var loss = regression.Accumulate(batch, variance.Value, BatchSize, LossScale, cancellation);
        SetLosses([loss.Sequence, loss.Pooled]);
        then?.Invoke();
        return batch.After;
    }

    protected override Metric[] Losses(ReadOnlySpan<double> parts)
    {
        var loss = new TextLoss(parts[0], parts[1]);
        return [new("loss", loss.Total), new("loss_sequence", loss.Sequence), new("loss_pooled", loss.Pooled)];
    }

    /// <summary>Measures the captions that come first, and sets a fresh adapter's norm by them.</summary>
    TextVariance Begin(CancellationToken cancellation)
    {
        var statistics = new TextStatistics(shape);
        for (var count = 0; count < MeasuredCaptions; count += BatchSize) statistics.Add(texts.Next(cancellation));
        processes.Agree();
        statistics.Sum(processes);
        var measured = statistics.Variance;
        if (measured.Sequence < LeastVariance || shape.PooledChannels > 0 && measured.Pooled < LeastVariance)
            throw new PeaException($"warm start: the teacher's embeddings of {statistics.Count} captions are all alike, expected English captions that differ");
        if (config.Adapter != null) return measured;
        var (weight, bias) = statistics.Norm();
        backend.Upload(weight, target.Adapter.Parameters[FreshAdapter.NormWeight]);
        backend.Upload(bias, target.Adapter.Parameters[FreshAdapter.NormBias]);
        return measured;
    }

    /// <summary>Puts the empty text in the place of dropped ones; unlike in distillation always the pooled embedding's, too: the adapter maps the empty text to both.</summary>
    void DropTexts(TextBatch batch)
    {
        for (var row = 0; row < batch.Count; row++)
        {
            if (new Philox(config.Seed, (uint)RandomStream.WarmStartDropout, batch.Places[row]).UniformDouble() >= config.TextDropout) continue;
            unconditional.StudentHidden.CopyTo(batch.Row(batch.StudentHidden, row));
            unconditional.StudentMask.CopyTo(batch.Row(batch.StudentMask, row));
            unconditional.TeacherSequence.CopyTo(batch.Row(batch.TeacherSequence, row));
            unconditional.TeacherPooled.CopyTo(batch.Row(batch.TeacherPooled, row));
        }
    }

    static LearningRate Rate(TrainConfig config) => new(LearningRateSchedule.Cosine, config.WarmStart.LearningRate, 0, 1, 0, config.WarmStart.Steps);
}
