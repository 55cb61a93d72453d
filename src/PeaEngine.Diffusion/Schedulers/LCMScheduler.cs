namespace PeaEngine.Diffusion.Schedulers;

/// <summary>diffusers' LCMScheduler: multistep sampling of latent consistency models, arXiv 2310.04378.</summary>
public sealed class LCMScheduler : ConsistencyScheduler
{
    const double SigmaData = 0.5;

    readonly SampleClipping clipping;
    readonly TensorRing original = new(1);
    readonly double timestepScaling;

    internal LCMScheduler(SchedulerConfig config) : base(config)
    {
        clipping = new SampleClipping(config, clipDefault: false);
        timestepScaling = config.Number("timestep_scaling", 10);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        original.Dispose();
        base.Dispose(disposing);
    }

    private protected override void Advance(StepOps ops, Tensor modelOutput, Tensor sample, StepArguments arguments)
    {
        var timestep = (int)Timesteps[StepIndex];
        var alpha = AlphaCumprod(timestep);
        var scaled = timestep * timestepScaling;
        double skip = SigmaData * SigmaData / (scaled * scaled + SigmaData * SigmaData), of = scaled / Math.Sqrt(scaled * scaled + SigmaData * SigmaData);
        var predicted = Prediction.Of(PredictionType, Math.Sqrt(alpha), Math.Sqrt(1 - alpha)).Original;

        var previous = IsLast ? 1 : PreviousAlphaCumprod((int)Timesteps[StepIndex + 1]);
        var keep = Math.Sqrt(previous);
        if (clipping.Applies)
        {
            var clean = original.Push(ops, sample.Shape);
            ops.Combine(clean, Of(predicted.OfSample, sample), Of(predicted.OfOutput, modelOutput));
            ops.Clip(clipping, clean);
            ops.Combine(sample, Of(keep * skip, sample), Of(keep * of, clean));
        }
        else
        {
            var next = keep * (of * predicted + new Mix(skip, 0));
            ops.Combine(sample, Of(next.OfSample, sample), Of(next.OfOutput, modelOutput));
        }
        if (!IsLast) ops.Combine(sample, Of(1, sample), Of(Math.Sqrt(1 - previous), Draw(ops, sample, arguments)));
    }
}
