namespace PeaEngine.Train.Optimizers;

/// <summary>AdamW's settings, and what is done around it. The defaults are torch's, but for the weight decay, which is off.</summary>
/// <param name="LearningRate">The rate of every step.</param>
public sealed record OptimizerOptions(LearningRate LearningRate)
{
    /// <summary>Decay of the gradient's running mean.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the squared gradient's running mean.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of the second.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Decoupled weight decay, of every parameter.</summary>
    public double WeightDecay { get; init; }

    /// <summary>The largest norm of all gradients together; larger ones are scaled down to it. Null: no limit.</summary>
    public double? MaxGradNorm { get; init; }

    /// <summary>How much of the running average of the parameters stays in each step. Null: there is none.</summary>
    public double? EmaDecay { get; init; }

    /// <summary>Whether gradients come multiplied by <see cref="Optimizer.LossScale"/>: those of F16 would be too small for it, those of BF16 and F32 need it not.</summary>
    public bool ScalesLoss { get; init; }
}
