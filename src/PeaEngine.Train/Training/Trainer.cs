using System.Diagnostics;
using System.Globalization;
using PeaEngine.Formats;
using PeaEngine.Train.Checkpoints;
using PeaEngine.Train.Config;
using PeaEngine.Train.Data;
using PeaEngine.Train.Distillation;
using PeaEngine.Train.Metrics;
using PeaEngine.Train.Optimizers;

namespace PeaEngine.Train.Training;

/// <summary>
/// A training run: batch, noise, distillation, AdamW, log, checkpoint, until its steps are done. A run that goes on from a checkpoint makes the steps
/// that it would have made, to the bit.
/// </summary>
public sealed class Trainer : IDisposable
{
    const string StateFile = "state.safetensors", PositionFile = "position.json";

    readonly TrainConfig config;
    readonly RunFolder folder;
    readonly Backend backend;
    readonly CheckpointStore store;
    readonly TrainModels models;
    readonly Gradients gradients;
    readonly Optimizer optimizer;
    readonly Distiller distiller;
    readonly int timesteps;
    DataPosition? position;
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
        (this.config, this.backend, folder) = (config, backend, new(config.Output));
        CheckSupported(config);
        store = new(folder.Checkpoints, config.Keep);
        var checkpoint = store.Newest(warn);
        position = checkpoint == null ? null : DataPosition.FromJson(File.ReadAllText(checkpoint.At(PositionFile)), checkpoint.At(PositionFile));
        models = new(config, folder, backend, position, warn);
        gradients = new(backend);
        TrainedParameter[] parameters = [.. models.Adapter.Parameters.Select(pair => new TrainedParameter(pair.Key, pair.Value, gradients.Track(pair.Value)))];
        optimizer = new(backend, parameters, OptimizerOptions());
        if (checkpoint != null)
        {
            using var state = TensorFile.Open(checkpoint.At(StateFile));
            optimizer.Load(state);
            saved = checkpoint.Step;
        }
        var alphasCumprod = models.Teacher.AlphasCumprod;
        timesteps = alphasCumprod.Count;
        distiller = new(backend, models.Teacher.UNet, models.Adapter, gradients, alphasCumprod, LossOptions(), Unconditional());
    }

    /// <summary>Steps that are done.</summary>
    public long Steps => optimizer.Steps;

    /// <summary>The most bytes that the first step's batch has in use at once, beside the weights; nothing is computed.</summary>
    public long Measure(CancellationToken cancellation = default) => distiller.Measure(Part(Draw(models.Batches.Next(cancellation)), 0));

    /// <summary>Makes the steps that are left and writes the adapter.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled: what was done is in a checkpoint.</exception>
    public void Run(IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        Directory.CreateDirectory(folder.Path);
        config.Save(folder.Config);
        using var metrics = MetricsLog.Open(folder.Metrics, Steps);
        using var events = config.TensorBoard ? new EventFile(folder.Path) : null;
        var (clock, first) = (Stopwatch.StartNew(), Steps);
        try
        {
            while (Steps < config.Steps)
            {
                cancellation.ThrowIfCancellationRequested();
                var (loss, step) = Step(cancellation);
                Log(metrics, events, loss, step);
                if (Steps % config.CheckpointEvery == 0) Save();
                progress?.Report(new("step", (int)Steps, config.Steps, (int)(Steps - first), config.Data.BatchSize, loss.Total, clock.Elapsed));
            }
        }
        catch (OperationCanceledException)
        {
            gradients.Clear();
            Save();
            throw;
        }
        Save();
        Publish(folder.Adapter, models.Adapter.Parameters.Select(pair => (pair.Key, pair.Value)));
        if (config.EmaDecay != null) Publish(folder.Average, optimizer.Averages);
        LossPlot.Draw("loss", metrics.Read("loss")).Save(folder.Plot);
    }

    /// <summary>Frees models and memory.</summary>
    public void Dispose()
    {
        distiller.Dispose();
        optimizer.Dispose();
        gradients.Dispose();
        models.Dispose();
    }

    (DistillationLoss Loss, OptimizerStep Step) Step(CancellationToken cancellation)
    {
        var batch = models.Batches.Next(cancellation);
        var drawn = Draw(batch);
        var loss = new DistillationLoss();
        for (var i = 0; i < config.Accumulation; i++)
        {
            var part = distiller.Accumulate(Part(drawn, i), cancellation);
            loss = new(loss.Diffusion + part.Diffusion / config.Accumulation, loss.Logits + part.Logits / config.Accumulation, loss.Features + part.Features / config.Accumulation);
        }
        var step = optimizer.Step(loss.Total, 1.0 / config.Accumulation);
        position = batch.After;
        return (loss, step);
    }

    DistillationBatch Draw(Batch batch) => StepRandomness.Draw(batch, config, models.Batches.Shape, timesteps);

    /// <summary>One of the passes that a batch is cut into.</summary>
    DistillationBatch Part(DistillationBatch whole, int index)
    {
        if (config.Accumulation == 1) return whole;
        int count = whole.Count / config.Accumulation, first = index * count;
        T[] Rows<T>(T[] values) => values[(values.Length / whole.Count * first)..(values.Length / whole.Count * (first + count))];
        T[]? Optional<T>(T[]? values) => values == null ? null : Rows(values);
        var shape = whole.LatentShape;
        return new([count, shape[1], shape[2], shape[3]], Rows(whole.Latents), Rows(whole.Noise), Rows(whole.Timesteps), Rows(whole.StudentHidden), Rows(whole.StudentMask), Rows(whole.TeacherSequence),
            Optional(whole.TeacherPooled), Optional(whole.TimeIds), Rows(whole.IsCultural), Rows(whole.DropsText));
    }

    void Log(MetricsLog metrics, EventFile? events, DistillationLoss loss, OptimizerStep step)
    {
        ReadOnlySpan<Metric> values =
        [
            new("loss", loss.Total), new("loss_diffusion", loss.Diffusion), new("loss_logits", loss.Logits), new("loss_features", loss.Features),
            new("learning_rate", step.LearningRate), new("grad_norm", step.GradientNorm), new("skipped", optimizer.Skipped),
        ];
        metrics.Write(Steps, values);
        events?.Scalars(Steps, values);
    }

    void Save()
    {
        if (saved == Steps || position == null) return;
        store.Save(Steps, path =>
        {
            SafetensorsWriter.Write(Path.Combine(path, StateFile), optimizer.State());
            File.WriteAllText(Path.Combine(path, PositionFile), position.ToJson());
        });
        saved = Steps;
    }

    void Publish(string path, IEnumerable<(string Name, Tensor Value)> parameters) =>
        SafetensorsWriter.Write(path, parameters.OrderBy(parameter => parameter.Name, StringComparer.Ordinal).Select(parameter => TensorState.Content(backend, parameter.Name, parameter.Value)),
            new Dictionary<string, string>
            {
                ["format"] = "pt",
                ["student_length"] = models.Batches.Shape.StudentTokens.ToString(CultureInfo.InvariantCulture),
                ["pooled_mean"] = models.Adapter.Metadata.MasksPooledMean ? "masked" : "all",
                ["languages"] = string.Join(',', config.Data.Languages),
                ["step"] = Steps.ToString(CultureInfo.InvariantCulture),
            });

    UnconditionalText Unconditional()
    {
        var text = models.Batches.Unconditional;
        var isZero = models.ZerosForNoText;
        return new(text.StudentHidden, text.StudentMask, isZero ? new float[text.TeacherSequence.Length] : text.TeacherSequence, isZero ? new float[text.TeacherPooled.Length] : text.TeacherPooled);
    }

    DistillationOptions LossOptions() => new()
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

    OptimizerOptions OptimizerOptions() => new(new LearningRate(config.Schedule.Name, config.LearningRate, config.Schedule.LearningRateEnd, config.Schedule.Power, config.Schedule.WarmupSteps, config.Steps))
    {
        Beta1 = config.Optimizer.Beta1,
        Beta2 = config.Optimizer.Beta2,
        Epsilon = config.Optimizer.Epsilon,
        WeightDecay = config.Optimizer.WeightDecay,
        MaxGradNorm = config.Optimizer.MaxGradNorm,
        EmaDecay = config.EmaDecay,
    };

    static void CheckSupported(TrainConfig config)
    {
        Refuse(config.Train != TrainTarget.Adapter, "train", "adapter");
        Refuse(config.WarmStart.Steps > 0, "warm_start.steps", "0");
        Refuse(config.Validation.Every > 0, "validation.every", "0");
        Refuse(config.Samples.Every > 0, "samples.every", "0");
        Refuse(config.MaskedPooled, "masked_pooled", "false, or an adapter whose metadata says so");
        Refuse(config.Accumulation > 1 && config.Loss.PerGroup, "accumulation", "1 with loss.per_group");
        Refuse(config.Data.BatchSize % config.Accumulation != 0, "accumulation", $"a divisor of batch_size {config.Data.BatchSize}");

        static void Refuse(bool asked, string key, string expected)
        {
            if (asked) throw new OptionException($"{key}: not in this version, expected {expected}");
        }
    }
}
