using System.Runtime.InteropServices;
using PeaEngine.Formats;
using PeaEngine.Train.Processes;

namespace PeaEngine.Train.Optimizers;

/// <summary>
/// AdamW over a list of parameters, with a limit to the norm of all gradients together, a schedule, and a running average of the
/// parameters. A step whose loss or gradients are not finite moves nothing: the schedule goes on, AdamW's own count does not.
/// A step is <see cref="Begin"/>, which uploads what varies, <see cref="Move"/>, which is ops alone and may be recorded with the passes before it, and <see cref="End"/>, which reads what it came to.
/// </summary>
public sealed class Optimizer : IDisposable
{
    /// <summary>So many skipped steps in a row end the run.</summary>
    public const int MostSkippedInARow = 20;

    const string Counters = "optimizer.counters";

    /// <summary>Numbers that <see cref="Backend.AdamWFactors"/> takes, and that it gives.</summary>
    const int Rates = 5, Norms = 2, Factors = 5;

    readonly Backend backend;
    readonly OptimizerOptions options;
    readonly Arena arena;
    readonly AdamWSettings settings;
    readonly Slot[] slots;
    readonly Tensor squares, numbers, rates, norm, factors;
    readonly double[] given, found;
    readonly Recording moving;
    readonly LossScale? lossScale;
    PeerSum? sum;
    long skippedInARow;

    /// <summary>An optimiser before its first step; the averages begin with the parameters as they are.</summary>
    /// <param name="backend">Where the parameters are.</param>
    /// <param name="parameters">What is trained, each name once.</param>
    /// <param name="options">The settings.</param>
    /// <param name="losses">The parts of a step's loss.</param>
    public Optimizer(Backend backend, IReadOnlyList<TrainedParameter> parameters, OptimizerOptions options, int losses = 1)
    {
        ArgumentNullException.ThrowIfNull(backend);
        ArgumentNullException.ThrowIfNull(parameters);
        (this.backend, this.options, lossScale) = (backend, options, options.ScalesLoss ? new() : null);
        var copies = options.EmaDecay == null ? 2 : 3;
        var numberCount = Rates + losses + Norms;
        arena = new(backend, Arena.Align(parameters.Count * sizeof(float)) + Arena.Align(numberCount * sizeof(double)) + Arena.Align(Factors * sizeof(float))
            + parameters.Sum(parameter => copies * Arena.Align(parameter.Value.Bytes)));
        squares = arena.Keep([parameters.Count], DType.F32);
        numbers = arena.Keep([numberCount], DType.F64);
        (rates, Losses, norm) = (numbers.Slice(0, Rates), numbers.Slice(Rates, losses), numbers.Slice(Rates + losses, Norms));
        factors = arena.Keep([Factors], DType.F32);
        (given, found) = (new double[Rates + losses], new double[losses + Norms]);
        settings = new(options.Beta1, options.Beta2, options.Epsilon, options.EmaDecay ?? 0);
        slots = [.. parameters.Select((parameter, i) => new Slot(parameter, squares.Slice(i, 1), Keep(parameter), Keep(parameter), options.EmaDecay == null ? null : Keep(parameter)))];
        foreach (var slot in slots)
        {
            backend.Clear(slot.M);
            backend.Clear(slot.V);
            if (slot.Ema is { } ema) backend.Copy(slot.Parameter.Value, ema);
        }
        moving = backend.Record(Move);
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

    /// <summary>[k] F64: passes add the parts of a step's loss here.</summary>
    public Tensor Losses { get; }

    /// <summary>The parts of the last step's loss.</summary>
    public ReadOnlySpan<double> LastLosses => found.AsSpan(..^Norms);

    /// <summary>Begins a step, whose gradients come after it: uploads its rates, and losses of 0.</summary>
    public void Begin()
    {
        double rate = options.LearningRate.At(Steps), t = Applied + 1;
        given.AsSpan(Rates).Clear();
        (given[0], given[1]) = (LossScale, options.MaxGradNorm ?? double.PositiveInfinity);
        (given[2], given[3], given[4]) = (1 - rate * options.WeightDecay, 1 / Math.Sqrt(1 - Math.Pow(options.Beta2, t)), rate / (1 - Math.Pow(options.Beta1, t)));
        backend.Upload(MemoryMarshal.AsBytes<double>(given), numbers);
    }

    /// <summary>The parts of the loss so far, after all work on them.</summary>
    public double[] ReadLosses()
    {
        var parts = new double[Losses.Elements];
        backend.Download(Losses, MemoryMarshal.AsBytes(parts.AsSpan()));
        return parts;
    }

    /// <summary>Sets the parts of the loss.</summary>
    public void SetLosses(ReadOnlySpan<double> parts) => backend.Upload(MemoryMarshal.AsBytes(parts), Losses);

    /// <summary>Adds the other processes' gradients to this one's: then all have the same.</summary>
    public void SumGradients(ProcessGroup processes)
    {
        ArgumentNullException.ThrowIfNull(processes);
        if (processes.Count == 1) return;
        sum ??= backend.SumOver(processes);
        foreach (var slot in slots) sum.Run(slot.Parameter.Gradient);
    }

    /// <summary>Moves the parameters by the gradients, unless those or the losses are not finite, and clears the gradients: ops alone, which may be recorded with what comes before them.</summary>
    public void Move()
    {
        foreach (var slot in slots) backend.SumSquares(slot.Parameter.Gradient, slot.Squares);
        backend.AdamWFactors(squares, Losses, rates, norm, factors);
        foreach (var (parameter, _, m, v, average) in slots)
        {
            backend.AdamW(parameter.Value, parameter.Gradient, m, v, average, factors, settings);
            backend.Clear(parameter.Gradient);
        }
    }

    /// <summary><see cref="Move"/> where nothing records it: in a recording of its own.</summary>
    public void MoveAlone() => moving.Run();

    /// <summary>Ends a step after <see cref="Move"/>, with what that came to.</summary>
    /// <exception cref="PeaException">This is the twentieth step in a row that is skipped.</exception>
    public OptimizerStep End()
    {
        backend.Download(numbers.Slice(Rates, found.Length), MemoryMarshal.AsBytes(found.AsSpan()));
        var (length, isApplied) = (found[^2], found[^1] != 0);
        var step = new OptimizerStep(Steps, options.LearningRate.At(Steps), length, isApplied, lossScale?.Value);
        Steps++;
        if (isApplied) Applied++;
        lossScale?.Update(isApplied);
        skippedInARow = isApplied ? 0 : skippedInARow + 1;
        if (skippedInARow < MostSkippedInARow) return step;
        double loss = 0;
        foreach (var part in LastLosses) loss += part;
        throw new PeaException($"step {Steps}: loss {loss}, gradient norm {length}; {MostSkippedInARow} steps in a row that are not finite, expected finite ones: the learning rate may be too high");
    }

    /// <summary>Makes one step of the gradients that backward passes have added up, and clears them.</summary>
    /// <param name="loss">The step's loss: where it is not finite, the step is skipped.</param>
    /// <exception cref="PeaException">This is the twentieth step in a row that is skipped.</exception>
    public OptimizerStep Step(double loss)
    {
        Begin();
        SetLosses([loss]);
        MoveAlone();
        return End();
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
        moving.Dispose();
        sum?.Dispose();
        arena.Dispose();
    }

    Tensor Keep(TrainedParameter parameter) => arena.Keep(parameter.Value.Shape, DType.F32);

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
