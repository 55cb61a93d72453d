namespace PeaEngine.Diffusion.Schedulers;

/// <summary>The four forms of DPM-Solver.</summary>
enum DpmAlgorithm
{
    /// <summary><c>dpmsolver++</c>: predicts x₀ (arXiv 2211.01095).</summary>
    PlusPlus,
    /// <summary><c>dpmsolver</c>: predicts ε (arXiv 2206.00927).</summary>
    Noise,
    /// <summary><c>sde-dpmsolver++</c></summary>
    StochasticPlusPlus,
    /// <summary><c>sde-dpmsolver</c></summary>
    StochasticNoise,
}

/// <summary>
/// The coefficients of one DPM-Solver step over h in log-SNR: next = Carry · sample + Zeroth · D₀ + a first-order term + Second · D₂
/// + Noise · z, where the first-order term is Midpoint · D₁ or Heun · D₁.
/// </summary>
readonly record struct DpmSolverStep(double Carry, double Zeroth, double Midpoint, double Heun, double Second, double Noise)
{
    /// <param name="algorithm">Which form.</param>
    /// <param name="h">λ at the end less λ at the beginning; infinite where the end has no noise.</param>
    /// <param name="alphaFrom">α at the beginning.</param>
    /// <param name="sigmaFrom">σ at the beginning.</param>
    /// <param name="alpha">α at the end.</param>
    /// <param name="sigma">σ at the end.</param>
    public static DpmSolverStep Of(DpmAlgorithm algorithm, double h, double alphaFrom, double sigmaFrom, double alpha, double sigma)
    {
        switch (algorithm)
        {
            case DpmAlgorithm.PlusPlus:
                {
                    var phi = Math.Exp(-h) - 1;
                    return new(sigma / sigmaFrom, -alpha * phi, -0.5 * alpha * phi, alpha * (phi / h + 1), -alpha * ((phi + h) / (h * h) - 0.5), 0);
                }
            case DpmAlgorithm.Noise:
                {
                    var phi = Math.Exp(h) - 1;
                    return new(alpha / alphaFrom, -sigma * phi, -0.5 * sigma * phi, -sigma * (phi / h - 1), -sigma * ((phi - h) / (h * h) - 0.5), 0);
                }
            case DpmAlgorithm.StochasticPlusPlus:
                {
                    var phi = 1 - Math.Exp(-2 * h);
                    return new(sigma / sigmaFrom * Math.Exp(-h), alpha * phi, 0.5 * alpha * phi, alpha * (phi / (-2 * h) + 1),
                        alpha * ((phi - 2 * h) / (4 * h * h) - 0.5), sigma * Math.Sqrt(phi));
                }
            default:
                {
                    var phi = Math.Exp(h) - 1;
                    return new(alpha / alphaFrom, -2 * sigma * phi, -sigma * phi, -2 * sigma * (phi / h - 1), double.NaN, sigma * Math.Sqrt(Math.Exp(2 * h) - 1));
                }
        }
    }
}
