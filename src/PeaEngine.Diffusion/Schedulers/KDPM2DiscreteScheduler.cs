namespace PeaEngine.Diffusion.Schedulers;

/// <summary>diffusers' KDPM2DiscreteScheduler: k-diffusion's DPM2, algorithm 2 of arXiv 2206.00364 in log σ.</summary>
public sealed class KDPM2DiscreteScheduler : KDPM2Scheduler
{
    internal KDPM2DiscreteScheduler(SchedulerConfig config) : base(config) { }

    private protected override float HalfwayFrom(float sigma, float next) => MiddleOfLogs(next, sigma);

    private protected override void Advance(StepOps ops, Tensor modelOutput, Tensor sample, StepArguments arguments) =>
        AdvanceTo(Levels[Whole + 1], ops, modelOutput, sample);
}
