using System.Diagnostics;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Formats;
using PeaEngine.Train.Checkpoints;
using PeaEngine.Train.Config;
using PeaEngine.Train.Data;
using PeaEngine.Train.Metrics;
using PeaEngine.Train.Processes;
using PeaEngine.Train.Targets;

namespace PeaEngine.Train.Training;

/// <summary>
/// A training run: its phases one after another, step by step, with log and checkpoints, until what was trained is written. A run that goes on from a
/// checkpoint makes the steps that it would have made, to the bit. Several processes share each step; the first alone writes.
/// </summary>
public sealed class Trainer : IDisposable
{
    const string PositionFile = "position.json", MetricsFile = "metrics.json";

    readonly TrainConfig config;
    readonly RunFolder folder;
    readonly ProcessGroup processes;
    readonly CheckpointStore store;
    readonly TrainModels models;
    readonly TrainingTarget target;
    readonly SampleGrids grids;
    readonly (string Name, int Steps, Func<DataPosition?, TrainingPhase> Begin)[] phases;
    int current;
    TrainingPhase phase;
    Metric[] numbers = [];
    long saved = -1;

    /// <summary>Loads a run's models and data, and goes on from its newest checkpoint if it has one.</summary>
    /// <param name="config">The run.</param>
    /// <param name="backend">Where it is computed; it stays the caller's.</param>
    /// <param name="warn">Told, in the first process, of damaged checkpoints and shards that are passed over.</param>
    /// <param name="processes">Those that make the run together, each with a trainer; null for this one alone.</param>
    /// <exception cref="OptionException">The configuration does not go together.</exception>
    /// <exception cref="PeaException">A file is missing, damaged or does not fit.</exception>
    public Trainer(TrainConfig config, Backend backend, Action<string> warn, ProcessGroup? processes = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(warn);
        (this.config, folder, this.processes) = (config, new(config.Output), processes ?? ProcessGroup.Alone);
        Check(config, this.processes.Count);
        if (!this.processes.IsFirst) warn = _ => { };
        store = new(folder.Checkpoints, config.Keep);
        phases = [(DistillationPhase.PhaseName, config.Steps, from => new DistillationPhase(config, models!, target!, backend, from, this.processes))];
        if (config.WarmStart.Steps > 0) phases = [(WarmStartPhase.PhaseName, config.WarmStart.Steps, from => new WarmStartPhase(config, models!, backend, from, this.processes)), .. phases];
        var checkpoint = Newest(warn);
        current = checkpoint == null ? 0 : Array.FindIndex(phases, phase => File.Exists(checkpoint.At(StateFile(phase.Name))));
        if (current < 0) throw new PeaException($"{checkpoint!.Folder}: the state of no phase, expected {string.Join(" or ", phases.Select(phase => StateFile(phase.Name)))}");
        var position = checkpoint == null ? null : DataPosition.FromJson(File.ReadAllText(checkpoint.At(PositionFile)), checkpoint.At(PositionFile));
        models = new(config, folder, backend, phases[current].Name == DistillationPhase.PhaseName ? position : null, this.processes, warn);
        target = TrainingTarget.Create(config.Train, backend, models.Teacher.UNet, models.Adapter, config.Lora, config.Seed);
        grids = new(config, folder, models, target);
        phase = phases[current].Begin(position);
        if (checkpoint == null) return;
        numbers = MetricsLine.Parse(File.ReadAllBytes(checkpoint.At(MetricsFile)))?.Metrics ?? throw new PeaException($"{checkpoint.At(MetricsFile)}: no numbers of a step");
        using var state = TensorFile.Open(checkpoint.At(StateFile(phase.Name)));
        phase.Load(state);
        saved = Steps;
    }

    /// <summary>Steps that are done, of all phases.</summary>
    public long Steps => phases.Take(current).Sum(before => (long)before.Steps) + phase.Done;

    /// <summary>The most bytes that a step of the phase has had in use at once, beside the weights.</summary>
    public long PeakBytes => phase.PeakBytes;

    /// <summary>Samples that were left out so far, by reason.</summary>
    public IReadOnlyDictionary<DropReason, long> Dropped => models.Batches.Dropped;

    /// <summary>The bytes of all weights.</summary>
    internal long WeightBytes => models.WeightBytes;

    /// <summary>The bytes of gradients, moments and averages, and of what the target holds beside.</summary>
    internal long TrainedBytes => phase.TrainedBytes + target.Bytes;

    /// <summary>The most bytes that a step of distillation can have in use at once, beside the weights; nothing is computed.</summary>
    internal long Measure(PixelSize size)
    {
        while (current < phases.Length - 1) Next();
        return ((DistillationPhase)phase).Measure(size);
    }

    /// <summary>The most bytes that encoding a picture has in use at once.</summary>
    internal long MeasureEncoding(PixelSize size) => models.MeasureEncoding(size);

    /// <summary>Makes the steps that are left and writes what was trained.</summary>
    /// <param name="progress">Told of the steps, in the first process.</param>
    /// <param name="cancellation">Of any process: all of them end after the same step.</param>
    /// <exception cref="OperationCanceledException">It was cancelled: what was done is in a checkpoint.</exception>
    public void Run(IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        if (processes.IsFirst)
        {
            Directory.CreateDirectory(folder.Path);
            config.Save(folder.Config);
        }
        using var report = processes.IsFirst ? new RunReport(config, folder, grids, Steps) : null;
        try
        {
            for (; ; Next())
            {
                RunPhase(report, progress, cancellation);
                if (current == phases.Length - 1) break;
            }
            processes.Agree();
        }
        catch (OperationCanceledException exception)
        {
            if (exception is not AgreedCancellationException) processes.Cancel();
            target.Gradients.Clear();
            Save();
            report?.Plot();
            throw;
        }
        if (report == null) return;
        target.Publish(folder, phase.Averages, AdapterNotes.Of(models, config.Data.Languages, phase.Done));
        report.Plot();
    }

    /// <summary>Frees models and memory.</summary>
    public void Dispose()
    {
        phase.Dispose();
        target.Dispose();
        models.Dispose();
    }

    void RunPhase(RunReport? report, IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        report?.Begin(phase);
        // What a process that ended after a checkpoint did not come to.
        if (phase.Done > 0) report?.After(phase, Steps, numbers, cancellation);
        var (clock, first) = (Stopwatch.StartNew(), phase.Done);
        while (phase.Done < phase.Steps)
        {
            cancellation.ThrowIfCancellationRequested();
            numbers = phase.Step(cancellation);
            if (Steps % config.CheckpointEvery == 0) Save();
            var written = report?.After(phase, Steps, numbers, cancellation);
            if (processes.IsFirst) progress?.Report(new(phase.Name, (int)phase.Done, phase.Steps, (int)(phase.Done - first), phase.BatchSize, numbers[0].Value, clock.Elapsed, written));
        }
        Save();
    }

    /// <summary>The phase after this one.</summary>
    void Next()
    {
        phase.Dispose();
        phase = phases[++current].Begin(null);
    }

    void Save()
    {
        if (!processes.IsFirst || saved == Steps || phase.Position is not { } position) return;
        store.Save(Steps, path =>
        {
            SafetensorsWriter.Write(Path.Combine(path, StateFile(phase.Name)), phase.State());
            File.WriteAllText(Path.Combine(path, PositionFile), position.ToJson());
            File.WriteAllBytes(Path.Combine(path, MetricsFile), MetricsLine.Format(phase.Done, numbers));
        });
        saved = Steps;
    }

    /// <summary>The checkpoint to go on from, or null. The first process decides: another might see one that is just being deleted.</summary>
    Checkpoint? Newest(Action<string> warn)
    {
        var checkpoint = processes.IsFirst ? store.Newest(warn) : null;
        // From 1, so that 0 is none.
        Span<double> next = [checkpoint == null ? 0 : checkpoint.Step + 1];
        processes.Sum(next);
        return next[0] == 0 ? null : store.At((long)next[0] - 1);
    }

    static string StateFile(string phase) => $"{phase}.safetensors";

    static void Check(TrainConfig config, int processes)
    {
        if (config.Train != TrainTarget.Adapter && config.Adapter == null && config.WarmStart.Steps == 0)
            throw new OptionException($"adapter: null, expected one, or warm_start.steps above 0, for train: {ConfigTypes.Choice<TrainTarget>().Write(config.Train)}, whose distillation leaves the adapter as it is");
        if (config.Data.BatchSize < processes * config.Accumulation)
            throw new OptionException($"batch_size: {config.Data.BatchSize}, expected {processes * config.Accumulation} or more: a sample for each of the {config.Accumulation} passes of {processes} processes");
    }
}
