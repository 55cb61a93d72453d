using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Train.Optimizers;

namespace PeaEngine.Train.Config;

/// <summary>What has gradients.</summary>
public enum TrainTarget
{
    /// <summary>The adapter.</summary>
    Adapter,

    /// <summary>A LoRA on the UNet.</summary>
    Lora,

    /// <summary>The UNet's keys and values of cross-attention.</summary>
    CrossAttentionKv,
}

/// <summary>What the loss compares the student's prediction with.</summary>
public enum LossMode
{
    /// <summary>The noise for captions that have no English pair, the teacher for the others.</summary>
    Hybrid,

    /// <summary>The teacher.</summary>
    Kd,

    /// <summary>The noise.</summary>
    Diffusion,
}

/// <summary>What a teacher gets where text is dropped.</summary>
public enum TeacherUncond
{
    /// <summary>Its embeddings of the empty text.</summary>
    Encoded,

    /// <summary>Zeros.</summary>
    Zeros,
}

/// <summary>The loss's terms.</summary>
public sealed record LossConfig
{
    /// <summary>λ_L, the weight of the distance of predictions.</summary>
    public double Logits { get; init; } = 1;

    /// <summary>λ_F, the weight of the distance of block outputs.</summary>
    public double Features { get; init; } = 0.1;

    /// <summary>Whether each block's distance is divided by the variance of the teacher's output.</summary>
    public bool NormalizeFeatures { get; init; }

    /// <summary>Whether the mean of each group, of captions with an English pair and without, is over its own samples.</summary>
    public bool PerGroup { get; init; }

    /// <summary>γ of min-SNR weighting.</summary>
    public double? MinSnr { get; init; }

    /// <summary>k of the noise offset.</summary>
    public double NoiseOffset { get; init; }
}

/// <summary>AdamW.</summary>
public sealed record OptimizerConfig
{
    /// <summary>Decay of the gradient's running mean.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the squared gradient's running mean.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Decoupled weight decay.</summary>
    public double WeightDecay { get; init; }

    /// <summary>The largest norm of all gradients together.</summary>
    public double? MaxGradNorm { get; init; } = 1;
}

/// <summary>How the learning rate changes.</summary>
public sealed record ScheduleConfig
{
    /// <summary>How it falls.</summary>
    public LearningRateSchedule Name { get; init; } = LearningRateSchedule.Polynomial;

    /// <summary>Steps in which it rises from 0.</summary>
    public int WarmupSteps { get; init; }

    /// <summary>Where it ends.</summary>
    public double LearningRateEnd { get; init; }

    /// <summary>The polynomial's power.</summary>
    public double Power { get; init; } = 1;
}

/// <summary>The text-only start: the adapter is regressed on the teacher's embeddings of the English captions, without the UNet.</summary>
public sealed record WarmStartConfig
{
    /// <summary>Steps; 0 for none.</summary>
    public int Steps { get; init; }

    /// <summary>Captions of a step.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>The learning rate, which falls to 0 by a cosine.</summary>
    public double LearningRate { get; init; } = 3e-3;
}

/// <summary>A LoRA that is trained.</summary>
public sealed record LoraConfig
{
    /// <summary>Columns of its first factor.</summary>
    public int Rank { get; init; } = 16;

    /// <summary>Its scale, times the rank; null: the rank.</summary>
    public double? Alpha { get; init; }
}

/// <summary>The validation loss, at fixed noise and timesteps.</summary>
public sealed record ValidationConfig
{
    /// <summary>Steps between two; 0 for none.</summary>
    public int Every { get; init; }

    /// <summary>Shards that are not trained with.</summary>
    public IReadOnlyList<string> Shards { get; init; } = [];

    /// <summary>How many of their samples, the first ones.</summary>
    public int Samples { get; init; } = 64;

    /// <summary>Timesteps, each with every sample.</summary>
    public IReadOnlyList<int> Timesteps { get; init; } = [100, 300, 500, 700, 900];
}

/// <summary>Pictures on the way.</summary>
public sealed record SamplesConfig
{
    /// <summary>Steps between two grids; 0 for none.</summary>
    public int Every { get; init; }

    /// <summary>What they show.</summary>
    public IReadOnlyList<string> Prompts { get; init; } = [];

    /// <summary>Denoising steps.</summary>
    public int Steps { get; init; } = 20;

    /// <summary>Guidance scale.</summary>
    public double Guidance { get; init; } = 5;

    /// <summary>A scheduler by name; null: the teacher's own.</summary>
    public string? Scheduler { get; init; }

    /// <summary>The seed of their noise.</summary>
    public ulong Seed { get; init; }

    /// <summary>Their size; null: the teacher's.</summary>
    public PixelSize? Size { get; init; }
}
