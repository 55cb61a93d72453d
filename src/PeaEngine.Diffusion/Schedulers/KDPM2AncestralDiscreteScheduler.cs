namespace PeaEngine.Diffusion.Schedulers;

/// <summary>diffusers' KDPM2AncestralDiscreteScheduler: DPM2 to a lower σ, then noise up to the next; each second half draws noise.</summary>
public sealed class KDPM2AncestralDiscreteScheduler : KDPM2Scheduler
{
    internal KDPM2AncestralDiscreteScheduler(SchedulerConfig config) : base(config) { }

    private protected override float HalfwayFrom(float sigma, float next) => MiddleOfLogs(sigma, (float)SplitAncestral(sigma, next).Down);

    private protected override void Advance(StepOps ops, Tensor modelOutput, Tensor sample, StepArguments arguments)
    {
        var (down, up) = SplitAncestral(Levels[Whole], Levels[Whole + 1]);
        var isHalfway = IsHalfway;
        AdvanceTo(down, ops, modelOutput, sample);
        if (isHalfway) ops.Combine(sample, Of(1, sample), Of(up, Draw(ops, sample, arguments)));
    }
}
