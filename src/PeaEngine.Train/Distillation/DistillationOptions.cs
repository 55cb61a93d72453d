namespace PeaEngine.Train.Distillation;

/// <summary>The loss of PEA-Diffusion (arXiv 2311.17086) and what may be changed in it; the defaults are the published recipe's.</summary>
public sealed record DistillationOptions
{
    /// <summary>λ_L: of the difference between the predictions of teacher and student.</summary>
    public double LogitsWeight { get; init; } = 1;

    /// <summary>λ_F: of the differences between their blocks' outputs; 0 leaves them out.</summary>
    public double FeatureWeight { get; init; } = 0.1;

    /// <summary>Whether each block's term is divided by the variance of the teacher's output of that block, over the whole batch.</summary>
    public bool NormalizesFeatures { get; init; }

    /// <summary>Whether the student learns from the teacher at all; without, every sample learns from the noise.</summary>
    public bool Distills { get; init; } = true;

    /// <summary>Whether samples without an English caption learn from the noise; without, they teach nothing.</summary>
    public bool LearnsFromNoise { get; init; } = true;

    /// <summary>Whether dropped text drops the pooled embedding too; the published recipe leaves it.</summary>
    public bool DropsPooled { get; init; }

    /// <summary>γ of min-SNR (arXiv 2303.09556): every term of a sample is multiplied by min(SNR, γ)/SNR. Null: not.</summary>
    public double? MinSnrGamma { get; init; }

    /// <summary>Whether the student's blocks are computed again on the way back instead of kept: less memory, more time, the same bits.</summary>
    public bool Recomputes { get; init; }

    /// <summary>Whether the terms of samples with and without an English caption are divided by their own number instead of the batch's.</summary>
    public bool NormalizesGroups { get; init; }

    /// <summary>Whether a sample has a teacher to learn from.</summary>
    internal bool IsTaught(DistillationBatch batch, int sample) => Distills && !batch.IsCultural[sample];
}
