namespace PeaEngine.Diffusion.Schedulers;

/// <summary>diffusers' EulerDiscreteScheduler: algorithm 2 of arXiv 2206.00364 without churn.</summary>
public sealed class EulerDiscreteScheduler : SigmaScheduler
{
    readonly SigmaCurve curve;
    readonly double? sigmaMin, sigmaMax;
    readonly bool logLinear, continuous, endsAtZero;

    internal EulerDiscreteScheduler(SchedulerConfig config)
        : this(config, new NoiseSchedule(config, takesZeroSnr: true, NoiseSchedule.AlmostZero)) { }

    EulerDiscreteScheduler(SchedulerConfig config, NoiseSchedule training) : base(config, training)
    {
        curve = SigmaSchedule.Read(config);
        sigmaMin = config.OptionalNumber("sigma_min");
        sigmaMax = config.OptionalNumber("sigma_max");
        logLinear = config.Choice("interpolation_type", "linear", "linear", "log_linear") == "log_linear";
        continuous = config.Choice("timestep_type", "discrete", "discrete", "continuous") == "continuous" && PredictionType == PredictionType.Velocity;
        endsAtZero = config.Choice("final_sigmas_type", "zero", "zero", "sigma_min") == "zero";
    }

    private protected override double[] MakeTimesteps(int steps)
    {
        var timesteps = SpaceTimesteps(steps);
        var training = Training.Sigmas();
        var sigmas = logLinear
            // one value more than steps, as diffusers leaves it there
            ? Array.ConvertAll(NoiseSchedule.Linspace(Math.Log(training[^1]), Math.Log(training[0]), steps + 1), log => (double)MathF.Exp(log))
            : SigmasAt(timesteps);
        if (curve != SigmaCurve.Training)
            (timesteps, sigmas) = SigmaSchedule.Make(curve, sigmaMax ?? sigmas[0], sigmaMin ?? sigmas[^1], steps, training);
        SigmaTable = [.. Array.ConvertAll(sigmas, sigma => (float)sigma), endsAtZero ? 0 : training[0]];
        return continuous
            ? Array.ConvertAll(SigmaTable[..^1], sigma => (double)(0.25f * MathF.Log(sigma)))
            : Spacing.ToSingle(timesteps);
    }

    private protected override void Advance(StepOps ops, Tensor modelOutput, Tensor sample, StepArguments arguments)
    {
        double sigma = SigmaTable[StepIndex], step = SigmaTable[StepIndex + 1] - sigma;
        var next = new Mix(1, 0) + step * Derivative(sigma);
        ops.Combine(sample, Of(next.OfSample, sample), Of(next.OfOutput, modelOutput));
    }
}
