namespace PeaEngine.Diffusion.Schedulers;

/// <summary>
/// diffusers' DPMSolverSinglestepScheduler: DPM++ 2S. Timesteps come in groups of one, two or three, and each of a group starts again
/// from the group's first sample.
/// </summary>
public sealed class DPMSolverSinglestepScheduler : DpmSolverFormScheduler
{
    readonly TensorRing start = new(1);
    readonly bool lowerOrderFinal;
    int[] orders = [];

    internal DPMSolverSinglestepScheduler(SchedulerConfig config)
        : base(config, new NoiseSchedule(config, takesZeroSnr: false), knowsLu: false, ["dpmsolver++", "dpmsolver", "sde-dpmsolver++"]) =>
        lowerOrderFinal = config.Flag("lower_order_final", false);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        start.Dispose();
        base.Dispose(disposing);
    }

    private protected override double[] MakeTimesteps(int steps)
    {
        orders = MakeOrders(steps);
        // linspace always: the class has no timestep_spacing
        var spaced = Spacing.Linspaced(Training.Count - 1 - ClippedTimesteps, steps + 1)[..^1];
        return MakeTimesteps(Array.ConvertAll(spaced, Math.Round), steps);
    }

    private protected override void Advance(StepOps ops, Tensor modelOutput, Tensor sample, StepArguments arguments)
    {
        Convert(ops, modelOutput, sample);
        // image to image may begin inside a group
        var order = Math.Min(orders[StepIndex], Outputs.Count);
        if (order == 1) ops.Copy(sample, start.Push(ops, sample.Shape));
        switch (order)
        {
            case 1: StepFirst(ops, sample, start[0], arguments); break;
            case 2: StepSecond(ops, sample, arguments); break;
            default: StepThird(ops, sample, arguments); break;
        }
    }

    void StepSecond(StepOps ops, Tensor sample, StepArguments arguments)
    {
        var begin = StepIndex - 1;
        var step = StepFrom(begin);
        var ratio = (Lambda(StepIndex) - Lambda(begin)) / (Lambda(StepIndex + 1) - Lambda(begin));
        var first = (IsHeun ? step.Heun : step.Midpoint) / ratio;
        ops.Combine(sample, Of(step.Carry, start[0]), Of(step.Zeroth - first, Outputs[1]), Of(first, Outputs[0]));
        AddStochastic(ops, sample, step, arguments);
    }

    void StepThird(StepOps ops, Tensor sample, StepArguments arguments)
    {
        var begin = StepIndex - 2;
        var step = StepFrom(begin);
        var h = Lambda(StepIndex + 1) - Lambda(begin);
        double r0 = (Lambda(StepIndex) - Lambda(begin)) / h, r1 = (Lambda(StepIndex - 1) - Lambda(begin)) / h;
        // the coefficients of the differences of the second and third output to the group's first
        double second = 0, third = step.Heun / r0;
        if (IsHeun)
        {
            second = (step.Heun * r0 - 2 * step.Second) / (r0 - r1) / r1;
            third = (2 * step.Second - step.Heun * r1) / (r0 - r1) / r0;
        }
        ops.Combine(sample, Of(step.Carry, start[0]), Of(step.Zeroth - second - third, Outputs[2]), Of(second, Outputs[1]), Of(third, Outputs[0]));
        AddStochastic(ops, sample, step, arguments);
    }

    // the order of each timestep within its group; the last groups are smaller where the steps do not divide or the end has no noise
    int[] MakeOrders(int steps)
    {
        var made = new int[steps];
        for (var i = 0; i < steps; i++) made[i] = i % SolverOrder + 1;
        if (lowerOrderFinal || steps % SolverOrder != 0 || EndsAtZero)
        {
            if (SolverOrder == 3 && steps % 3 == 0) (made[^2], made[^1]) = (2, 1);
            else if (SolverOrder == 2) made[^1] = 1;
        }
        if (EndsAtZero) made[^1] = 1;
        return made;
    }
}
