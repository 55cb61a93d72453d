namespace PeaEngine.Diffusion.Schedulers;

/// <summary>diffusers' DDIMScheduler: denoising diffusion implicit models, arXiv 2010.02502.</summary>
public sealed class DDIMScheduler : AlphaScheduler
{
    readonly SampleClipping clipping;
    readonly TensorRing original = new(1);
    int stride;

    internal DDIMScheduler(SchedulerConfig config)
        : this(config, new NoiseSchedule(config, takesZeroSnr: true)) { }

    DDIMScheduler(SchedulerConfig config, NoiseSchedule training) : base(config, training)
    {
        clipping = new SampleClipping(config, clipDefault: true);
        FinalAlphaCumprod = ReadFinalAlpha(config, training, toOne: true);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        original.Dispose();
        base.Dispose(disposing);
    }

    private protected override double[] MakeTimesteps(int steps)
    {
        stride = Training.Count / steps;
        return SpaceTimesteps(steps);
    }

    private protected override void Advance(StepOps ops, Tensor modelOutput, Tensor sample, StepArguments arguments)
    {
        var timestep = (int)Timesteps[StepIndex];
        double alpha = AlphaCumprod(timestep), previous = PreviousAlphaCumprod(timestep - stride);
        var eta = arguments.Eta ?? 0;
        var deviation = eta * Math.Sqrt((1 - previous) / (1 - alpha) * (1 - alpha / previous));
        var direction = Math.Sqrt(1 - previous - deviation * deviation);
        var predicted = Prediction.Of(PredictionType, Math.Sqrt(alpha), Math.Sqrt(1 - alpha));

        if (clipping.Applies)
        {
            var clean = original.Push(ops, sample.Shape);
            ops.Combine(clean, Of(predicted.Original.OfSample, sample), Of(predicted.Original.OfOutput, modelOutput));
            ops.Clip(clipping, clean);
            ops.Combine(sample, Of(direction * predicted.Noise.OfSample, sample), Of(direction * predicted.Noise.OfOutput, modelOutput),
                Of(Math.Sqrt(previous), clean));
        }
        else
        {
            var next = Math.Sqrt(previous) * predicted.Original + direction * predicted.Noise;
            ops.Combine(sample, Of(next.OfSample, sample), Of(next.OfOutput, modelOutput));
        }
        if (eta > 0) ops.Combine(sample, Of(1, sample), Of(deviation, Draw(ops, sample, arguments)));
    }
}
