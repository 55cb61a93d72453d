using System.Diagnostics;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Formats;
using PeaEngine.Train.Checkpoints;
using PeaEngine.Train.Config;
using PeaEngine.Train.Data;
using PeaEngine.Train.Metrics;
using PeaEngine.Train.Targets;

namespace PeaEngine.Train.Training;

/// <summary>
/// A training run: its phases one after another, step by step, with log and checkpoints, until what was trained is written. A run that goes on from a
/// checkpoint makes the steps that it would have made, to the bit.
/// </summary>
public sealed class Trainer : IDisposable
{
    const string PositionFile = "position.json", MetricsFile = "metrics.json";

    readonly TrainConfig config;
    readonly RunFolder folder;
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
    /// <param name="warn">Told of damaged checkpoints and shards that are passed over.</param>
    /// <exception cref="OptionException">The configuration asks for what this version does not do.</exception>
    /// <exception cref="PeaException">A file is missing, damaged or does not fit.</exception>
    public Trainer(TrainConfig config, Backend backend, Action<string> warn)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(warn);
        (this.config, folder) = (config, new(config.Output));
        CheckSupported(config);
        store = new(folder.Checkpoints, config.Keep);
        phases = [(DistillationPhase.PhaseName, config.Steps, from => new DistillationPhase(config, models!, target!, backend, from))];
        if (config.WarmStart.Steps > 0) phases = [(WarmStartPhase.PhaseName, config.WarmStart.Steps, from => new WarmStartPhase(config, models!, backend, from)), .. phases];
        var checkpoint = store.Newest(warn);
        current = checkpoint == null ? 0 : Array.FindIndex(phases, phase => File.Exists(checkpoint.At(StateFile(phase.Name))));
        if (current < 0) throw new PeaException($"{checkpoint!.Folder}: the state of no phase, expected {string.Join(" or ", phases.Select(phase => StateFile(phase.Name)))}");
        var position = checkpoint == null ? null : DataPosition.FromJson(File.ReadAllText(checkpoint.At(PositionFile)), checkpoint.At(PositionFile));
        models = new(config, folder, backend, phases[current].Name == DistillationPhase.PhaseName ? position : null, warn);
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
    /// <exception cref="OperationCanceledException">It was cancelled: what was done is in a checkpoint.</exception>
    public void Run(IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        Directory.CreateDirectory(folder.Path);
        config.Save(folder.Config);
        using var report = new RunReport(config, folder, grids);
        try
        {
            for (; ; Next())
            {
                RunPhase(report, progress, cancellation);
                if (current == phases.Length - 1) break;
            }
        }
        catch (OperationCanceledException)
        {
            target.Gradients.Clear();
            Save();
            report.Plot();
            throw;
        }
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

    void RunPhase(RunReport report, IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        report.Begin(phase);
        // What a process that ended after a checkpoint did not come to.
        if (phase.Done > 0) report.After(phase, Steps, numbers, cancellation);
        var (clock, first) = (Stopwatch.StartNew(), phase.Done);
        while (phase.Done < phase.Steps)
        {
            cancellation.ThrowIfCancellationRequested();
            numbers = phase.Step(cancellation);
            if (Steps % config.CheckpointEvery == 0) Save();
            var written = report.After(phase, Steps, numbers, cancellation);
            progress?.Report(new(phase.Name, (int)phase.Done, phase.Steps, (int)(phase.Done - first), phase.BatchSize, numbers[0].Value, clock.Elapsed, written));
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
        if (saved == Steps || phase.Position is not { } position) return;
        store.Save(Steps, path =>
        {
            SafetensorsWriter.Write(Path.Combine(path, StateFile(phase.Name)), phase.State());
            File.WriteAllText(Path.Combine(path, PositionFile), position.ToJson());
            File.WriteAllBytes(Path.Combine(path, MetricsFile), MetricsLine.Format(phase.Done, numbers));
        });
        saved = Steps;
    }

    static string StateFile(string phase) => $"{phase}.safetensors";

    static void CheckSupported(TrainConfig config)
    {
        if (config.Train != TrainTarget.Adapter && config.Adapter == null && config.WarmStart.Steps == 0)
            throw new OptionException($"adapter: null, expected one, or warm_start.steps above 0, for train: {ConfigTypes.Choice<TrainTarget>().Write(config.Train)}, whose distillation leaves the adapter as it is");
        Refuse(config.Validation.Every > 0, "validation.every", "0");
        Refuse(config.Accumulation > 1 && config.Loss.PerGroup, "accumulation", "1 with loss.per_group");
        Refuse(config.Data.BatchSize % config.Accumulation != 0, "accumulation", $"a divisor of batch_size {config.Data.BatchSize}");

        static void Refuse(bool asked, string key, string expected)
        {
            if (asked) throw new OptionException($"{key}: not in this version, expected {expected}");
        }
    }
}
