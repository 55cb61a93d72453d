namespace PeaEngine.Diffusion.Schedulers;

/// <summary>diffusers' HeunDiscreteScheduler: algorithm 1 of arXiv 2206.00364 without churn; two evaluations a step but for the last.</summary>
public sealed class HeunDiscreteScheduler : SigmaScheduler
{
    readonly SigmaCurve curve;
    readonly SampleClipping clipping;
    readonly TensorRing start = new(1), slope = new(1), original = new(1);

    internal HeunDiscreteScheduler(SchedulerConfig config) : base(config, new NoiseSchedule(config, takesZeroSnr: false))
    {
        curve = SigmaSchedule.Read(config);
        clipping = new SampleClipping(config, clipDefault: false, takesThresholding: false);
    }

    /// <inheritdoc/>
    public override int Order => 2;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        start.Dispose();
        slope.Dispose();
        original.Dispose();
        base.Dispose(disposing);
    }

    private protected override double[] MakeTimesteps(int steps)
    {
        (var timesteps, var sigmas) = Schedule(steps, curve);
        SigmaTable = [sigmas[0], .. Twice(sigmas[1..]), 0];
        return Spacing.ToSingle([timesteps[0], .. Twice(timesteps[1..])]);
    }

    private protected override void Advance(StepOps ops, Tensor modelOutput, Tensor sample, StepArguments arguments)
    {
        if (StepsTaken % 2 == 0)
        {
            double sigma = SigmaTable[StepIndex], step = SigmaTable[StepIndex + 1] - sigma;
            ops.Copy(sample, start.Push(ops, sample.Shape));
            var derivative = slope.Push(ops, sample.Shape);
            Differentiate(ops, modelOutput, sample, sigma, derivative);
            ops.Combine(sample, Of(1, sample), Of(step, derivative));
        }
        else
        {
            double sigma = SigmaTable[StepIndex], half = (sigma - SigmaTable[StepIndex - 1]) / 2;
            Differentiate(ops, modelOutput, sample, sigma, sample);
            ops.Combine(sample, Of(1, start[0]), Of(half, slope[0]), Of(half, sample));
        }
    }

    void Differentiate(StepOps ops, Tensor modelOutput, Tensor sample, double sigma, Tensor derivative)
    {
        if (clipping.Applies)
        {
            var clean = original.Push(ops, sample.Shape);
            var predicted = Original(sigma);
            ops.Combine(clean, Of(predicted.OfSample, sample), Of(predicted.OfOutput, modelOutput));
            ops.Clip(clipping, clean);
            ops.Combine(derivative, Of(1 / sigma, sample), Of(-1 / sigma, clean));
        }
        else
        {
            var mix = Derivative(sigma);
            ops.Combine(derivative, Of(mix.OfSample, sample), Of(mix.OfOutput, modelOutput));
        }
    }
}
