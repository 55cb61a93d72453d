namespace PeaEngine.Diffusion.Schedulers;

/// <summary>diffusers' TCDScheduler: strategic stochastic sampling of trajectory consistency distillation, arXiv 2402.19159.</summary>
public sealed class TCDScheduler : ConsistencyScheduler
{
    const double DefaultEta = 0.3;

    internal TCDScheduler(SchedulerConfig config) : base(config) { }

    private protected override void Advance(StepOps ops, Tensor modelOutput, Tensor sample, StepArguments arguments)
    {
        var eta = arguments.Eta ?? DefaultEta;
        if (eta is not (>= 0 and <= 1)) throw new PeaException($"eta {eta}: {ClassName} expects 0 to 1");
        var timestep = IsLast ? 0 : (int)Timesteps[StepIndex + 1];
        double alpha = AlphaCumprod((int)Timesteps[StepIndex]), previous = AlphaCumprod(timestep);
        // the timestep that the model's output leads to, below the next one; in single precision as torch has it
        var reached = AlphaCumprod((int)MathF.Floor((float)(1 - eta) * timestep));

        var predicted = Prediction.Of(PredictionType, Math.Sqrt(alpha), Math.Sqrt(1 - alpha));
        var keep = eta > 0 && !IsLast ? Math.Sqrt(previous / reached) : 1;
        var next = keep * (Math.Sqrt(reached) * predicted.Original + Math.Sqrt(1 - reached) * predicted.Noise);
        ops.Combine(sample, Of(next.OfSample, sample), Of(next.OfOutput, modelOutput));
        if (eta > 0 && !IsLast)
            ops.Combine(sample, Of(1, sample), Of(Math.Sqrt(1 - previous / reached), Draw(ops, sample, arguments)));
    }
}
