namespace PeaEngine.Train.Optimizers;

/// <summary>What one step did.</summary>
/// <param name="Step">Counted from 0, skipped ones too.</param>
/// <param name="LearningRate">The rate it had.</param>
/// <param name="GradientNorm">The 2-norm of all gradients together, before they are clipped.</param>
/// <param name="IsApplied">False where the loss or a gradient was not finite: nothing was moved.</param>
/// <param name="LossScale">What its gradients came multiplied by; null where the loss is not scaled.</param>
public readonly record struct OptimizerStep(long Step, double LearningRate, double GradientNorm, bool IsApplied, double? LossScale = null);
