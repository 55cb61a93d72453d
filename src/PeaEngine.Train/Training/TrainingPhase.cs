using System.Runtime.ExceptionServices;
using PeaEngine.Formats;
using PeaEngine.Train.Config;
using PeaEngine.Train.Data;
using PeaEngine.Train.Metrics;
using PeaEngine.Train.Optimizers;
using PeaEngine.Train.Processes;

namespace PeaEngine.Train.Training;

/// <summary>A part of a run: steps of one kind, with an optimiser and data of their own. It begins with the parameters as the part before left them.</summary>
/// <param name="optimizer">Moves the parameters; it becomes the phase's.</param>
/// <param name="position">Where its data stands; null at its beginning.</param>
/// <param name="processes">Those that share the steps.</param>
abstract class TrainingPhase(Optimizer optimizer, DataPosition? position, ProcessGroup processes) : IDisposable
{
    ExceptionDispatchInfo? failure;

    /// <summary>As the progress calls it, and the files of checkpoints and log.</summary>
    public abstract string Name { get; }

    /// <summary>How many steps it has.</summary>
    public abstract int Steps { get; }

    /// <summary>Samples of a step.</summary>
    public abstract int BatchSize { get; }

    /// <summary>How many steps are done.</summary>
    public long Done => optimizer.Steps;

    /// <summary>Where its data stands; null before the first step.</summary>
    public DataPosition? Position { get; private set; } = position;

    /// <summary>The running averages of the parameters, by name; empty where there are none.</summary>
    public IEnumerable<(string Name, Tensor Value)> Averages => optimizer.Averages;

    /// <summary>The most bytes that a step has had in use at once, beside the weights.</summary>
    public abstract long PeakBytes { get; }

    /// <summary>Bytes of gradients, moments and averages.</summary>
    public long TrainedBytes => optimizer.Bytes;

    /// <summary>Makes a step and gives the numbers of its line in the log, the loss first.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled: nothing was moved, but gradients may be left. Where processes share the step, see <see cref="ProcessGroup.Cancel"/>.</exception>
    public Metric[] Step(CancellationToken cancellation)
    {
        failure?.Throw();
        optimizer.Begin();
        var isAlone = processes.Count == 1;
        var after = Accumulate(isAlone ? optimizer.Move : null, cancellation);
        if (Done + 1 < Steps) PrepareNext(cancellation);
        var losses = isAlone ? null : Share();
        var step = optimizer.End();
        Position = after;
        return [.. losses ?? Losses(optimizer.LastLosses), new("learning_rate", step.LearningRate), new("grad_norm", step.GradientNorm), new("skipped", optimizer.Skipped),
            .. step.LossScale is { } scale ? [new Metric("loss_scale", scale)] : (Metric[])[]];
    }

    /// <summary>What the next step's loss is multiplied by on its way back.</summary>
    protected double LossScale => optimizer.LossScale;

    /// <summary>[k] F64: the parts of this process's loss are added to it.</summary>
    protected Tensor LossParts => optimizer.Losses;

    /// <summary>Sets the parts of this process's loss.</summary>
    protected void SetLosses(ReadOnlySpan<double> parts) => optimizer.SetLosses(parts);

    /// <summary>Whether pictures that are drawn between its steps show what it trains.</summary>
    public virtual bool Draws => false;

    /// <summary>The validation's numbers, if there is one after the step that was made last; nothing depends on them.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public virtual Metric[] Validate(CancellationToken cancellation) => [];

    /// <summary>What a checkpoint keeps.</summary>
    public virtual IEnumerable<TensorContent> State() => optimizer.State();

    /// <summary>Goes on from a checkpoint.</summary>
    /// <exception cref="PeaException">It is another run's.</exception>
    public virtual void Load(ITensorSource state) => optimizer.Load(state);

    /// <summary>Frees what it has beside models and target.</summary>
    public virtual void Dispose() => optimizer.Dispose();

    /// <summary>AdamW as the run is configured, with a phase's rates and no running average, and the loss scaled where activations are F16.</summary>
    protected static OptimizerOptions OptimizerOptions(OptimizerConfig optimizer, LearningRate rate, Backend backend) => new(rate)
    {
        Beta1 = optimizer.Beta1,
        Beta2 = optimizer.Beta2,
        Epsilon = optimizer.Epsilon,
        WeightDecay = optimizer.WeightDecay,
        MaxGradNorm = optimizer.MaxGradNorm,
        ScalesLoss = backend.ActivationType == DType.F16,
    };

    /// <summary>Adds up the gradients and the <see cref="LossParts"/> of this process's part of a step. What the processes give adds up to the step's.</summary>
    /// <param name="then">To be done after that: ops alone, which may be recorded with those before them; null for nothing.</param>
    /// <param name="cancellation">Ends it before <paramref name="then"/>.</param>
    /// <returns>Where the data stands after the step.</returns>
    protected abstract DataPosition Accumulate(Action? then, CancellationToken cancellation);

    /// <summary>Gets what the next step will be computed from, while this one still is.</summary>
    protected virtual void Prepare(CancellationToken cancellation) { }

    /// <summary>The losses by name, their sum first.</summary>
    /// <param name="parts">What was added to <see cref="LossParts"/>.</param>
    protected abstract Metric[] Losses(ReadOnlySpan<double> parts);

    /// <summary>What goes wrong is the next step's: this one is made.</summary>
    void PrepareNext(CancellationToken cancellation)
    {
        try
        {
            Prepare(cancellation);
        }
        catch (Exception exception)
        {
            failure = ExceptionDispatchInfo.Capture(exception);
        }
    }

    /// <summary>Moves the parameters by the gradients of all processes; gives the losses of all. From there on every process has the same bits, and does the same with them.</summary>
    Metric[] Share()
    {
        processes.Agree();
        var losses = Losses(optimizer.ReadLosses());
        var sums = Array.ConvertAll(losses, loss => loss.Value);
        processes.Sum(sums.AsSpan());
        optimizer.SetLosses(sums.AsSpan(1));
        optimizer.SumGradients(processes);
        optimizer.MoveAlone();
        return [.. losses.Zip(sums, (loss, sum) => loss with { Value = sum })];
    }
}
