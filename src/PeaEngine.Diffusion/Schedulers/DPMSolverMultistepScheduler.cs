namespace PeaEngine.Diffusion.Schedulers;

/// <summary>diffusers' DPMSolverMultistepScheduler: DPM++ 2M and 3M, their stochastic forms, DPM-Solver.</summary>
public sealed class DPMSolverMultistepScheduler : DpmSolverFormScheduler
{
    // below this many steps lower_order_final lowers the order of the last two
    const int FewSteps = 15;

    readonly bool lowerOrderFinal, eulerAtFinal;

    internal DPMSolverMultistepScheduler(SchedulerConfig config)
        : base(config, new NoiseSchedule(config, takesZeroSnr: true, NoiseSchedule.AlmostZero), knowsLu: true,
            ["dpmsolver++", "dpmsolver", "sde-dpmsolver++", "sde-dpmsolver"])
    {
        lowerOrderFinal = config.Flag("lower_order_final", true);
        eulerAtFinal = config.Flag("euler_at_final", false);
    }

    private protected override bool RoundsTimesteps => base.RoundsTimesteps && Training.Kind != "squaredcos_cap_v2";

    private protected override double[] MakeTimesteps(int steps) => MakeTimesteps(SpaceTimesteps(steps, Training.Count - ClippedTimesteps), steps);

    private protected override void Advance(StepOps ops, Tensor modelOutput, Tensor sample, StepArguments arguments)
    {
        var left = Timesteps.Count - StepIndex;
        var lowers = lowerOrderFinal && Timesteps.Count < FewSteps;
        // a curve down to sigma_min that ends there has a last step of no length, where higher orders divide by it
        var standsStill = SigmaTable[StepIndex + 1] == SigmaTable[StepIndex];
        Convert(ops, modelOutput, sample);
        if (SolverOrder == 1 || StepsTaken < 1 || standsStill || (left == 1 && (eulerAtFinal || lowers || EndsAtZero)))
            StepFirst(ops, sample, sample, arguments);
        else if (SolverOrder == 2 || StepsTaken < 2 || (left == 2 && lowers))
            StepSecond(ops, sample, arguments);
        else
            StepThird(ops, sample, arguments);
    }

    void StepSecond(StepOps ops, Tensor sample, StepArguments arguments)
    {
        var step = StepFrom(StepIndex);
        var ratio = (Lambda(StepIndex) - Lambda(StepIndex - 1)) / (Lambda(StepIndex + 1) - Lambda(StepIndex));
        var first = (IsHeun ? step.Heun : step.Midpoint) / ratio;
        ops.Combine(sample, Of(step.Carry, sample), Of(step.Zeroth + first, Outputs[0]), Of(-first, Outputs[1]));
        AddStochastic(ops, sample, step, arguments);
    }

    void StepThird(StepOps ops, Tensor sample, StepArguments arguments)
    {
        var step = StepFrom(StepIndex);
        var h = Lambda(StepIndex + 1) - Lambda(StepIndex);
        double r0 = (Lambda(StepIndex) - Lambda(StepIndex - 1)) / h, r1 = (Lambda(StepIndex - 1) - Lambda(StepIndex - 2)) / h;
        // D₁ = late + r₀ / (r₀ + r₁) · (late − early), D₂ = (late − early) / (r₀ + r₁), of the differences of neighbours
        var late = (step.Heun * (1 + r0 / (r0 + r1)) + step.Second / (r0 + r1)) / r0;
        var early = -(step.Heun * r0 / (r0 + r1) + step.Second / (r0 + r1)) / r1;
        ops.Combine(sample, Of(step.Carry, sample), Of(step.Zeroth + late, Outputs[0]), Of(early - late, Outputs[1]), Of(-early, Outputs[2]));
        AddStochastic(ops, sample, step, arguments);
    }
}
