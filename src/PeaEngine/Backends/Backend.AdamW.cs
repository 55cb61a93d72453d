namespace PeaEngine;

/// <summary>AdamW's settings, the same in every step.</summary>
/// <param name="Beta1">Decay of the gradient's mean.</param>
/// <param name="Beta2">Decay of the squared gradient's mean.</param>
/// <param name="Epsilon">Added to the root.</param>
/// <param name="AverageDecay">How much of the parameter's running average stays, where there is one.</param>
public readonly record struct AdamWSettings(double Beta1, double Beta2, double Epsilon, double AverageDecay = 0);

public abstract partial class Backend
{
    /// <summary>
    /// torch.optim.AdamW (arXiv 1711.05101) in one pass: p ← keep·p, m and v move towards factor·gradient and its square, p −= size · m / (√v · root + ε); then average = d·average + (1 − d)·p. What varies
    /// from step to step lies in a tensor, so that a recorded op has the numbers of its time. A step that is not to move anything changes no bit.
    /// </summary>
    /// <param name="parameter">F32, overwritten</param>
    /// <param name="gradient">F32, as many elements</param>
    /// <param name="m">F32, overwritten: the gradient's running mean, zeros before the first step</param>
    /// <param name="v">F32, overwritten: the squared gradient's running mean, zeros before the first step</param>
    /// <param name="average">F32, overwritten: the parameter's running average; null where there is none</param>
    /// <param name="step">[5] F32: factor, keep = 1 − lr·λ, root = 1 / √(1 − β₂ᵗ), size = lr / (1 − β₁ᵗ), and 0 where nothing is to be moved; <see cref="AdamWFactors"/> writes it</param>
    /// <param name="settings">The settings.</param>
    public abstract void AdamW(Tensor parameter, Tensor gradient, Tensor m, Tensor v, Tensor? average, Tensor step, AdamWSettings settings);

    /// <summary>
    /// What a step of <see cref="AdamW"/> is made with: the norm of all gradients, √Σ squares / scale, and the factor min(1, limit / (norm + 1e-6)) / scale. Where the norm or the sum of the losses is not
    /// finite, nothing is to be moved. All in double.
    /// </summary>
    /// <param name="squares">[n] F32: each gradient's <see cref="SumSquares"/></param>
    /// <param name="losses">[k] F64</param>
    /// <param name="rates">[5] F64: the scale that gradients come multiplied by, the limit, and keep, root and size for <see cref="AdamW"/></param>
    /// <param name="norm">[2] F64: the norm, and 1, or 0 where nothing is to be moved</param>
    /// <param name="step">[5] F32: as <see cref="AdamW"/> takes it</param>
    public abstract void AdamWFactors(Tensor squares, Tensor losses, Tensor rates, Tensor norm, Tensor step);

    /// <summary>y = Σ x², added up in double in a fixed order: the same bits for any number of threads.</summary>
    /// <param name="x">F32</param>
    /// <param name="y">[1] F32</param>
    public abstract void SumSquares(Tensor x, Tensor y);
}
