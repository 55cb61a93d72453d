namespace PeaEngine.Diffusion.Schedulers;

/// <summary>The samplers of consistency-distilled models: a few of the timesteps that the distillation saw, noise drawn between them.</summary>
public abstract class ConsistencyScheduler : AlphaScheduler
{
    readonly int originalSteps;

    private protected ConsistencyScheduler(SchedulerConfig config) : base(config, new NoiseSchedule(config, takesZeroSnr: true))
    {
        FinalAlphaCumprod = ReadFinalAlpha(config, Training, toOne: true);
        originalSteps = config.Integer("original_inference_steps", 50, 1, Training.Count);
    }

    /// <summary>Whether this step ends the schedule: it draws no noise.</summary>
    private protected bool IsLast => StepIndex == Timesteps.Count - 1;

    private protected override double[] MakeTimesteps(int steps)
    {
        if (steps > originalSteps)
            throw new OptionException($"steps {steps}: {ClassName} takes at most original_inference_steps, {originalSteps}");
        int ratio = Training.Count / originalSteps;
        var stride = (double)originalSteps / steps;
        var timesteps = new double[steps];
        for (var i = 0; i < steps; i++) timesteps[i] = (originalSteps - (int)(i * stride)) * ratio - 1;
        return timesteps;
    }
}
