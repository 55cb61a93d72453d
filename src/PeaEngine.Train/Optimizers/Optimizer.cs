using System.Runtime.InteropServices;
using PeaEngine.Formats;
using PeaEngine.Train.Processes;

namespace PeaEngine.Train.Optimizers;

/// <summary>
/// AdamW over a list of parameters, with a limit to the norm of all gradients together, a schedule, and a running average of the
/// parameters. A step whose loss or gradients are not finite moves nothing: the schedule goes on, AdamW's own count does not.
/// </summary>
public sealed class Optimizer : IDisposable
{
    /// <summary>So many skipped steps in a row end the run.</summary>
    public const int MostSkippedInARow = 20;

    const string Counters = "optimizer.counters";

    readonly Backend backend;
    readonly OptimizerOptions options;
    readonly Arena arena;
    readonly Slot[] slots;
    readonly Tensor squares;
    readonly float[] downloaded;
    PeerSum? sum;
    readonly LossScale? lossScale;
    long skippedInARow;

    /// <summary>An optimiser before its first step; the averages begin with the parameters as they are.</summary>
    /// <param name="backend">Where the parameters are.</param>
    /// <param name="parameters">What is trained, each name once.</param>
    /// <param name="options">The settings.</param>
    public Optimizer(Backend backend, IReadOnlyList<TrainedParameter> parameters, OptimizerOptions options)
    {
        ArgumentNullException.ThrowIfNull(backend);
        ArgumentNullException.ThrowIfNull(parameters);
        (this.backend, this.options, lossScale) = (backend, options, options.ScalesLoss ? new() : null);
        var copies = options.EmaDecay == null ? 2 : 3;
        arena = new(backend, Arena.Align(parameters.Count * sizeof(float)) + parameters.Sum(parameter => copies * Arena.Align(parameter.Value.Bytes)));
        squares = arena.Keep([parameters.Count], DType.F32);
        downloaded = new float[parameters.Count];
        slots = [.. parameters.Select((parameter, i) => new Slot(parameter, squares.Slice(i, 1), Keep(parameter), Keep(parameter), options.EmaDecay == null ? null : Keep(parameter)))];
        foreach (var slot in slots)
        {
            backend.Clear(slot.M);
            backend.Clear(slot.V);
            if (slot.Ema is { } ema) backend.Copy(slot.Parameter.Value, ema);
        }
    }

    /// <summary>The bytes of gradients, moments and averages.</summary>
    public long Bytes => arena.Capacity + slots.Sum(slot => slot.Parameter.Gradient.Bytes);

    /// <summary>Steps so far, skipped ones too: the position in the schedule.</summary>
    public long Steps { get; private set; }

    /// <summary>Steps that moved the parameters: AdamW's t.</summary>
    public long Applied { get; private set; }

    /// <summary>Steps that moved nothing.</summary>
    public long Skipped => Steps - Applied;

    /// <summary>What the next step's loss is to be multiplied by before its gradients; they are divided by it here. 1 where nothing is scaled.</summary>
    public double LossScale => lossScale?.Value ?? 1;

    /// <summary>The running averages, by name and in the order of the parameters; empty where there are none.</summary>
    public IEnumerable<(string Name, Tensor Value)> Averages => slots.Where(slot => slot.Ema != null).Select(slot => (slot.Parameter.Name, slot.Ema!.Value));

    /// <summary>Adds the other processes' gradients to this one's: then all have the same.</summary>
    public void SumGradients(ProcessGroup processes)
    {
        ArgumentNullException.ThrowIfNull(processes);
        if (processes.Count == 1) return;
        sum ??= backend.SumOver(processes);
        foreach (var slot in slots) sum.Run(slot.Parameter.Gradient);
    }

    /// <summary>Makes one step of the gradients that backward passes have added up, and clears them.</summary>
    /// <param name="loss">The step's loss: where it is not finite, the step is skipped.</param>
    /// <exception cref="PeaException">This is the twentieth step in a row that is skipped.</exception>
    public OptimizerStep Step(double loss)
    {
        var rate = options.LearningRate.At(Steps);
        var scale = LossScale;
        var norm = GradientNorm() / scale;
        var isApplied = double.IsFinite(loss) && double.IsFinite(norm);
        if (isApplied) Apply(rate, Math.Min(1, options.MaxGradNorm / (norm + 1e-6) ?? 1) / scale);
        foreach (var slot in slots) backend.Clear(slot.Parameter.Gradient);
        var step = new OptimizerStep(Steps++, rate, norm, isApplied, lossScale?.Value);
        lossScale?.Update(isApplied);
        skippedInARow = isApplied ? 0 : skippedInARow + 1;
        if (skippedInARow == MostSkippedInARow)
            throw new PeaException($"step {Steps}: loss {loss}, gradient norm {norm}; {MostSkippedInARow} steps in a row that are not finite, expected finite ones: the learning rate may be too high");
        return step;
    }

    /// <summary>Parameters, moments, averages and counts, for a checkpoint.</summary>
    public IEnumerable<TensorContent> State() =>
    [
        TensorContent.FromBytes(new(Counters, DType.I64, [3]), MemoryMarshal.AsBytes<long>([Steps, Applied, skippedInARow]).ToArray()),
        .. lossScale is { } scale ? [scale.State()] : (TensorContent[])[],
        .. slots.SelectMany(slot => slot.Tensors()).Select(entry => TensorState.Content(backend, entry.Name, entry.Tensor)),
    ];

    /// <summary>Goes on from a checkpoint, to the bit.</summary>
    /// <exception cref="PeaException">The checkpoint lacks a tensor, or one has another shape.</exception>
    public void Load(ITensorSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        Span<long> counts = stackalloc long[3];
        if (!source.Tensors.TryGetValue(Counters, out var info) || info.DType != DType.I64 || info.Elements != counts.Length)
            throw new PeaException($"{source.Path}: no tensor '{Counters}' [{counts.Length}] I64, expected an optimiser's state");
        source.Read(Counters, 0, MemoryMarshal.AsBytes(counts));
        foreach (var (name, tensor) in slots.SelectMany(slot => slot.Tensors())) TensorState.Load(backend, source, name, tensor);
        lossScale?.Load(source);
        (Steps, Applied, skippedInARow) = (counts[0], counts[1], counts[2]);
    }

    /// <summary>Frees moments and averages; parameters and gradients are the caller's.</summary>
    public void Dispose()
    {
        sum?.Dispose();
        arena.Dispose();
    }

    Tensor Keep(TrainedParameter parameter) => arena.Keep(parameter.Value.Shape, DType.F32);

    double GradientNorm()
    {
        foreach (var slot in slots) backend.SumSquares(slot.Parameter.Gradient, slot.Squares);
        backend.Download(squares, downloaded);
        double sum = 0;
        foreach (var square in downloaded) sum += square;
        return Math.Sqrt(sum);
    }

    void Apply(double rate, double gradientScale)
    {
        var t = ++Applied;
        var step = new AdamWStep(rate, options.Beta1, options.Beta2, options.Epsilon, options.WeightDecay, 1 - Math.Pow(options.Beta1, t), 1 - Math.Pow(options.Beta2, t), gradientScale);
        foreach (var (parameter, _, m, v, average) in slots)
        {
            backend.AdamW(parameter.Value, parameter.Gradient, m, v, step);
            if (average is { } ema) backend.Combine(ema, new Term((float)options.EmaDecay!.Value, ema), new Term((float)(1 - options.EmaDecay.Value), parameter.Value));
        }
    }

    readonly record struct Slot(TrainedParameter Parameter, Tensor Squares, Tensor M, Tensor V, Tensor? Ema)
    {
        public IEnumerable<(string Name, Tensor Tensor)> Tensors()
        {
            yield return ($"parameter.{Parameter.Name}", Parameter.Value);
            yield return ($"optimizer.m.{Parameter.Name}", M);
            yield return ($"optimizer.v.{Parameter.Name}", V);
            if (Ema is { } ema) yield return ($"ema.{Parameter.Name}", ema);
        }
    }
}
