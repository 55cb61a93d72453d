using PeaEngine.Formats;
using PeaEngine.Train.Data;
using PeaEngine.Train.Metrics;
using PeaEngine.Train.Optimizers;

namespace PeaEngine.Train.Training;

/// <summary>A part of a run: steps of one kind, with an optimiser and data of their own. It begins with the parameters as the part before left them.</summary>
/// <param name="optimizer">Moves the parameters; it becomes the phase's.</param>
/// <param name="position">Where its data stands; null at its beginning.</param>
abstract class TrainingPhase(Optimizer optimizer, DataPosition? position) : IDisposable
{
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
    /// <exception cref="OperationCanceledException">It was cancelled: nothing was moved, but gradients may be left.</exception>
    public Metric[] Step(CancellationToken cancellation)
    {
        var (losses, passes, after) = Accumulate(cancellation);
        var step = optimizer.Step(losses[0].Value, 1.0 / passes);
        Position = after;
        return [.. losses, new("learning_rate", step.LearningRate), new("grad_norm", step.GradientNorm), new("skipped", optimizer.Skipped)];
    }

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

    /// <summary>Adds up the gradients of a step; gives its losses, their sum first, over how many passes they were added up, and where the data stands after it.</summary>
    protected abstract (Metric[] Losses, int Passes, DataPosition After) Accumulate(CancellationToken cancellation);
}
