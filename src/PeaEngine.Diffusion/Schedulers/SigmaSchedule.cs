namespace PeaEngine.Diffusion.Schedulers;

/// <summary>Which curve the σ of the inference steps follow.</summary>
enum SigmaCurve
{
    /// <summary>The training schedule's own σ at the timesteps.</summary>
    Training,
    /// <summary><c>use_karras_sigmas</c>: equation 5 of arXiv 2206.00364, ρ = 7.</summary>
    Karras,
    /// <summary><c>use_exponential_sigmas</c>: evenly spaced logarithms.</summary>
    Exponential,
    /// <summary><c>use_beta_sigmas</c>: quantiles of the beta distribution of 0.6 and 0.6 (arXiv 2407.12173).</summary>
    Beta,
    /// <summary><c>use_lu_lambdas</c>: evenly spaced log-SNR (arXiv 2206.00927).</summary>
    Lu,
}

/// <summary>The curves that replace a training schedule's σ, and the way back from σ to timesteps.</summary>
static class SigmaSchedule
{
    /// <summary>Reads the flags of a class that knows these curves.</summary>
    public static SigmaCurve Read(SchedulerConfig config, bool knowsLu = false)
    {
        var curve = SigmaCurve.Training;
        var chosen = 0;
        void Choose(string key, SigmaCurve value)
        {
            if (!config.Flag(key, false)) return;
            if (curve == SigmaCurve.Training) curve = value;
            if (value != SigmaCurve.Lu) chosen++;
        }

        Choose("use_karras_sigmas", SigmaCurve.Karras);
        if (knowsLu) Choose("use_lu_lambdas", SigmaCurve.Lu);
        Choose("use_exponential_sigmas", SigmaCurve.Exponential);
        Choose("use_beta_sigmas", SigmaCurve.Beta);
        if (chosen > 1)
            throw new PeaException($"{config.Source}: more than one of use_karras_sigmas, use_exponential_sigmas and use_beta_sigmas is true");
        return curve;
    }

    /// <summary>The curve's values from <paramref name="max"/> down to <paramref name="min"/>, and the timesteps they belong to.</summary>
    public static (double[] Timesteps, double[] Sigmas) Make(SigmaCurve curve, double max, double min, int steps, float[] training)
    {
        if (!(min > 0 && max >= min)) throw new PeaException($"sigmas from {max} to {min}: expected sigma_max and sigma_min above 0, falling");
        var sigmas = Values(curve, max, min, steps);
        var logs = Array.ConvertAll(training, MathF.Log);
        return (Array.ConvertAll(sigmas, sigma => ToTimestep(sigma, logs)), sigmas);
    }

    static double[] Values(SigmaCurve curve, double max, double min, int steps) => curve switch
    {
        SigmaCurve.Karras => Karras(max, min, steps),
        SigmaCurve.Beta => Array.ConvertAll(Spacing.Linspace(0, 1, steps), t => min + BetaDistribution.Quantile(1 - t) * (max - min)),
        _ => Array.ConvertAll(Spacing.Linspace(Math.Log(max), Math.Log(min), steps), Math.Exp),
    };

    /// <summary>The timestep of a σ, between training timesteps linear in log σ.</summary>
    /// <param name="sigma">The noise level.</param>
    /// <param name="logSigmas">log σ of every training timestep.</param>
    public static double ToTimestep(double sigma, float[] logSigmas)
    {
        var log = Math.Log(Math.Max(sigma, 1e-10));
        var low = 0;
        while (low + 1 < logSigmas.Length && log >= logSigmas[low + 1]) low++;
        low = Math.Clamp(low, 0, Math.Max(logSigmas.Length - 2, 0));
        var high = Math.Min(low + 1, logSigmas.Length - 1);
        if (high == low) return low;
        var w = Math.Clamp((logSigmas[low] - log) / (logSigmas[low] - logSigmas[high]), 0, 1);
        return (1 - w) * low + w * high;
    }

    static double[] Karras(double max, double min, int steps)
    {
        const double rho = 7;
        double low = Math.Pow(min, 1 / rho), high = Math.Pow(max, 1 / rho);
        return Array.ConvertAll(Spacing.Linspace(0, 1, steps), ramp => Math.Pow(high + ramp * (low - high), rho));
    }
}
