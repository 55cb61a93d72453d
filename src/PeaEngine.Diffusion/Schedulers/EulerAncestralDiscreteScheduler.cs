namespace PeaEngine.Diffusion.Schedulers;

/// <summary>diffusers' EulerAncestralDiscreteScheduler: Euler to a lower σ, then noise up to the next. Every step draws noise.</summary>
public sealed class EulerAncestralDiscreteScheduler : SigmaScheduler
{
    internal EulerAncestralDiscreteScheduler(SchedulerConfig config)
        : base(config, new NoiseSchedule(config, takesZeroSnr: true, NoiseSchedule.AlmostZero)) => RefuseSamplePrediction();

    private protected override double[] MakeTimesteps(int steps)
    {
        (var timesteps, var sigmas) = Schedule(steps, SigmaCurve.Training);
        SigmaTable = [.. sigmas, 0];
        return timesteps;
    }

    private protected override void Advance(StepOps ops, Tensor modelOutput, Tensor sample, StepArguments arguments)
    {
        double sigma = SigmaTable[StepIndex], to = SigmaTable[StepIndex + 1];
        var (down, up) = SplitAncestral(sigma, to);
        var next = new Mix(1, 0) + (down - sigma) * Derivative(sigma);
        ops.Combine(sample, Of(next.OfSample, sample), Of(next.OfOutput, modelOutput), Of(up, Draw(ops, sample, arguments)));
    }
}
