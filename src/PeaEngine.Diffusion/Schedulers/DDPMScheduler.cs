namespace PeaEngine.Diffusion.Schedulers;

/// <summary>diffusers' DDPMScheduler: ancestral sampling, formula 7 of arXiv 2006.11239. Every step but one at timestep 0 draws noise.</summary>
public sealed class DDPMScheduler : AlphaScheduler
{
    readonly SampleClipping clipping;
    readonly TensorRing original = new(1);
    readonly bool largeVariance;

    internal DDPMScheduler(SchedulerConfig config) : base(config, new NoiseSchedule(config, takesZeroSnr: true))
    {
        clipping = new SampleClipping(config, clipDefault: true);
        largeVariance = config.Choice("variance_type", "fixed_small", "fixed_small", "fixed_small_log", "fixed_large") == "fixed_large";
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        original.Dispose();
        base.Dispose(disposing);
    }

    private protected override double[] MakeTimesteps(int steps) => SpaceTimesteps(steps);

    private protected override void Advance(StepOps ops, Tensor modelOutput, Tensor sample, StepArguments arguments)
    {
        var timestep = (int)Timesteps[StepIndex];
        double alpha = AlphaCumprod(timestep), previous = StepIndex + 1 < Timesteps.Count ? PreviousAlphaCumprod((int)Timesteps[StepIndex + 1]) : 1;
        var beta = 1 - alpha / previous;
        double ofOriginal = Math.Sqrt(previous) * beta / (1 - alpha), ofSample = Math.Sqrt(alpha / previous) * (1 - previous) / (1 - alpha);
        var predicted = Prediction.Of(PredictionType, Math.Sqrt(alpha), Math.Sqrt(1 - alpha)).Original;

        if (clipping.Applies)
        {
            var clean = original.Push(ops, sample.Shape);
            ops.Combine(clean, Of(predicted.OfSample, sample), Of(predicted.OfOutput, modelOutput));
            ops.Clip(clipping, clean);
            ops.Combine(sample, Of(ofSample, sample), Of(ofOriginal, clean));
        }
        else
        {
            var next = ofOriginal * predicted + new Mix(ofSample, 0);
            ops.Combine(sample, Of(next.OfSample, sample), Of(next.OfOutput, modelOutput));
        }
        if (timestep <= 0) return;
        var variance = largeVariance ? beta : Math.Max((1 - previous) / (1 - alpha) * beta, 1e-20);
        ops.Combine(sample, Of(1, sample), Of(Math.Sqrt(variance), Draw(ops, sample, arguments)));
    }
}
