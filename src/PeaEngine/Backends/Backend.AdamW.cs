namespace PeaEngine;

/// <summary>The scalars of one step of AdamW.</summary>
/// <param name="LearningRate">Of this step.</param>
/// <param name="Beta1">Decay of the gradient's mean.</param>
/// <param name="Beta2">Decay of the squared gradient's mean.</param>
/// <param name="Epsilon">Added to the root.</param>
/// <param name="WeightDecay">Decoupled: a share of the parameter, times the rate.</param>
/// <param name="BiasCorrection1">1 − β₁ᵗ, t counted from 1.</param>
/// <param name="BiasCorrection2">1 − β₂ᵗ</param>
/// <param name="GradientScale">What the gradient is multiplied by first: the clip factor, over the number of accumulated batches.</param>
public readonly record struct AdamWStep(double LearningRate, double Beta1, double Beta2, double Epsilon, double WeightDecay,
    double BiasCorrection1, double BiasCorrection2, double GradientScale = 1);

public abstract partial class Backend
{
    /// <summary>
    /// torch.optim.AdamW (arXiv 1711.05101) in one pass: p −= lr·λ·p, m and v move towards the scaled gradient and its square,
    /// p −= lr / c₁ · m / (√v / √c₂ + ε).
    /// </summary>
    /// <param name="parameter">F32, overwritten</param>
    /// <param name="gradient">F32, as many elements</param>
    /// <param name="m">F32, overwritten: the gradient's running mean, zeros before the first step</param>
    /// <param name="v">F32, overwritten: the squared gradient's running mean, zeros before the first step</param>
    /// <param name="step">The scalars.</param>
    public abstract void AdamW(Tensor parameter, Tensor gradient, Tensor m, Tensor v, AdamWStep step);

    /// <summary>y = Σ x², added up in double in a fixed order: the same bits for any number of threads.</summary>
    /// <param name="x">F32</param>
    /// <param name="y">[1] F32</param>
    public abstract void SumSquares(Tensor x, Tensor y);
}
