namespace PeaEngine.Diffusion.Schedulers;

/// <summary>diffusers' DEISMultistepScheduler: exponential integrator with polynomials in log ρ, ρ = σ/α (arXiv 2204.13902).</summary>
public sealed class DEISMultistepScheduler : DpmSolverScheduler
{
    const int FewSteps = 15;

    readonly bool lowerOrderFinal;

    internal DEISMultistepScheduler(SchedulerConfig config) : base(config, new NoiseSchedule(config, takesZeroSnr: false), maxOrder: 3)
    {
        // the other names are those of DPM-Solver and UniPC, which diffusers takes for its only one
        config.Choice("algorithm_type", "deis", "deis", "dpmsolver", "dpmsolver++");
        config.Choice("solver_type", "logrho", "logrho", "midpoint", "heun", "bh1", "bh2");
        lowerOrderFinal = config.Flag("lower_order_final", true);
    }

    private protected override double[] MakeTimesteps(int steps)
    {
        var (timesteps, sigmas) = Follow(SpaceTimesteps(steps, Training.Count), steps);
        // the end is not noiseless: log ρ must be finite
        var last = Curve == SigmaCurve.Training ? Training.Sigmas()[0] : (float)sigmas[^1];
        SigmaTable = [.. Array.ConvertAll(sigmas, sigma => (float)sigma), last];
        return timesteps;
    }

    private protected override void Advance(StepOps ops, Tensor modelOutput, Tensor sample, StepArguments arguments)
    {
        var left = Timesteps.Count - StepIndex;
        var lowers = lowerOrderFinal && Timesteps.Count < FewSteps;
        Convert(ops, modelOutput, sample, toOriginal: false);

        double alpha = Alpha(StepIndex + 1), carry = alpha / Alpha(StepIndex);
        if (SolverOrder == 1 || StepsTaken < 1 || (left == 1 && lowers))
            ops.Combine(sample, Of(carry, sample), Of(alpha * (Rho(-1) - Rho(0)), Outputs[0]));
        else if (SolverOrder == 2 || StepsTaken < 2 || (left == 2 && lowers))
            ops.Combine(sample, Of(carry, sample), Of(alpha * Integral(0, 1), Outputs[0]), Of(alpha * Integral(1, 0), Outputs[1]));
        else
            ops.Combine(sample, Of(carry, sample), Of(alpha * Integral(0, 1, 2), Outputs[0]), Of(alpha * Integral(1, 2, 0), Outputs[1]),
                Of(alpha * Integral(2, 0, 1), Outputs[2]));
    }

    /// <summary>ρ of <paramref name="age"/> steps ago, −1 for the end of this one.</summary>
    double Rho(int age) => SigmaTable[StepIndex - age];

    // ∫ (log ρ − log c) / (log b − log c) dρ over this step
    double Integral(int node, int other)
    {
        double b = Math.Log(Rho(node)), c = Math.Log(Rho(other));
        return (At(Rho(-1)) - At(Rho(0))) / (b - c);

        double At(double rho) => rho * (Math.Log(rho) - 1 - c);
    }

    // ∫ (log ρ − log c)(log ρ − log d) / ((log b − log c)(log b − log d)) dρ over this step
    double Integral(int node, int other, int third)
    {
        double b = Math.Log(Rho(node)), c = Math.Log(Rho(other)), d = Math.Log(Rho(third));
        return (At(Rho(-1)) - At(Rho(0))) / ((b - c) * (b - d));

        double At(double rho)
        {
            var log = Math.Log(rho);
            return rho * (c * (d - log + 1) - d * log + d + log * log - 2 * log + 2);
        }
    }
}
