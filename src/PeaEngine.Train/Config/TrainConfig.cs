using PeaEngine.Train.Data;

namespace PeaEngine.Train.Config;

/// <summary>
/// A training run. The keys of its YAML file, what they mean and what they may be are rows of <see cref="TrainConfigKeys"/>; the defaults are those of
/// these records. Paths are relative to the working directory.
/// </summary>
public sealed record TrainConfig
{
    /// <summary>The run's folder.</summary>
    public string Output { get; init; } = "";

    /// <summary>The pipeline whose UNet teaches, and is taught through.</summary>
    public string Teacher { get; init; } = "";

    /// <summary>Configurations and tokenizers of a teacher that is a single file.</summary>
    public string? TeacherConfig { get; init; }

    /// <summary>Another VAE than the teacher's.</summary>
    public string? Vae { get; init; }

    /// <summary>The text encoder of other languages.</summary>
    public string Student { get; init; } = "";

    /// <summary>Tokens of the student's context.</summary>
    public int? StudentLength { get; init; }

    /// <summary>The adapter to go on from; null for a fresh one.</summary>
    public string? Adapter { get; init; }

    /// <summary>A fresh adapter's hidden widths.</summary>
    public IReadOnlyList<int> AdapterHidden { get; init; } = [2048, 2048];

    /// <summary>Whether the pooled embedding is the mean over the tokens that are no padding; null: as the adapter's file says, else over all.</summary>
    public bool? MaskedPooled { get; init; }

    /// <summary>What has gradients.</summary>
    public TrainTarget Train { get; init; }

    /// <summary>What the loss compares with.</summary>
    public LossMode Mode { get; init; }

    /// <summary>Optimiser steps, the warm start's not among them.</summary>
    public int Steps { get; init; } = 1000;

    /// <summary>Passes that a process's samples of a step are cut into.</summary>
    public int Accumulation { get; init; } = 1;

    /// <summary>The learning rate after the warm-up.</summary>
    public double LearningRate { get; init; } = 1e-4;

    /// <summary>The key of everything random.</summary>
    public ulong Seed { get; init; }

    /// <summary>How much of the running average of what is trained stays in each step.</summary>
    public double? EmaDecay { get; init; }

    /// <summary>Steps between checkpoints.</summary>
    public int CheckpointEvery { get; init; } = 500;

    /// <summary>Checkpoints that stay.</summary>
    public int Keep { get; init; } = 3;

    /// <summary>Whether blocks are computed again in the backward pass instead of kept.</summary>
    public bool Recompute { get; init; }

    /// <summary>How often a sample's text is dropped.</summary>
    public double TextDropout { get; init; } = 0.1;

    /// <summary>What the teacher gets for dropped text; null: as its pipeline does.</summary>
    public TeacherUncond? TeacherUncond { get; init; }

    /// <summary>Whether the pooled embeddings of dropped text are replaced, too.</summary>
    public bool DropPooled { get; init; }

    /// <summary>The loss's terms.</summary>
    public LossConfig Loss { get; init; } = new();

    /// <summary>AdamW.</summary>
    public OptimizerConfig Optimizer { get; init; } = new();

    /// <summary>How the learning rate changes.</summary>
    public ScheduleConfig Schedule { get; init; } = new();

    /// <summary>The text-only start.</summary>
    public WarmStartConfig WarmStart { get; init; } = new();

    /// <summary>A LoRA that is trained in the adapter's place.</summary>
    public LoraConfig Lora { get; init; } = new();

    /// <summary>What is trained with, in which order, and the samples of a step.</summary>
    public DataOptions Data { get; init; } = new() { BatchSize = 32 };

    /// <summary>Whether what <c>pea cache</c> wrote is read in place of pictures and captions.</summary>
    public bool Cache { get; init; }

    /// <summary>Where <c>pea cache</c> wrote it; null for beside the shards.</summary>
    public string? CacheFolder { get; init; }

    /// <summary>The validation loss.</summary>
    public ValidationConfig Validation { get; init; } = new();

    /// <summary>Pictures on the way.</summary>
    public SamplesConfig Samples { get; init; } = new();

    /// <summary>Whether event files for TensorBoard are written.</summary>
    public bool TensorBoard { get; init; } = true;

    /// <summary>Every key with its default, what it means and what it may be: the text of <c>pea train --help-config</c>.</summary>
    public static string Help() => TrainConfigFile.Help();

    /// <summary>Reads a file, then what overrides it.</summary>
    /// <param name="path">YAML.</param>
    /// <param name="overrides">As in <c>learning_rate=1e-3</c>; the last one of a key counts.</param>
    /// <exception cref="OptionException">An unknown key, a wrong value, or values that do not go together.</exception>
    /// <exception cref="PeaException">The file cannot be read, or is no YAML.</exception>
    public static TrainConfig Load(string path, IEnumerable<string>? overrides = null) => TrainConfigFile.Load(path, overrides ?? []);

    /// <summary>Writes every key, in a form that <see cref="Load"/> reads back to the same.</summary>
    /// <exception cref="PeaException">The file cannot be written.</exception>
    public void Save(string path) => TrainConfigFile.Save(this, path);
}
