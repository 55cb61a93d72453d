namespace PeaEngine.Diffusion.Schedulers;

/// <summary>diffusers' LMSDiscreteScheduler: k-diffusion's linear multistep of fourth order in σ.</summary>
public sealed class LMSDiscreteScheduler : SigmaScheduler
{
    const int MaxOrder = 4;

    readonly SigmaCurve curve;
    readonly TensorRing derivatives = new(MaxOrder);

    internal LMSDiscreteScheduler(SchedulerConfig config) : base(config, new NoiseSchedule(config, takesZeroSnr: false)) =>
        curve = SigmaSchedule.Read(config);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        derivatives.Dispose();
        base.Dispose(disposing);
    }

    private protected override void Reset() => derivatives.Clear();

    private protected override double[] MakeTimesteps(int steps)
    {
        (var timesteps, var sigmas) = Schedule(steps, curve);
        SigmaTable = [.. sigmas, 0];
        return Spacing.ToSingle(timesteps);
    }

    private protected override void Advance(StepOps ops, Tensor modelOutput, Tensor sample, StepArguments arguments)
    {
        var mix = Derivative(SigmaTable[StepIndex]);
        ops.Combine(derivatives.Push(ops, sample.Shape), Of(mix.OfSample, sample), Of(mix.OfOutput, modelOutput));

        // The order follows the place in the schedule, also where image to image has fewer derivatives yet: diffusers leaves those out.
        var order = Math.Min(StepIndex + 1, MaxOrder);
        Span<Term> terms = [Of(1, sample), default, default, default, default];
        var count = Math.Min(order, derivatives.Count);
        for (var i = 0; i < count; i++) terms[i + 1] = Of(Coefficient(order, i), derivatives[i]);
        ops.Combine(sample, terms[..(count + 1)]);
    }

    // The integral over the step of the Lagrange polynomial of one node: two Gauss points are exact up to its third degree.
    double Coefficient(int order, int node)
    {
        double from = SigmaTable[StepIndex], to = SigmaTable[StepIndex + 1];
        double middle = (from + to) / 2, half = (to - from) / 2, offset = half / Math.Sqrt(3);
        return half * (Lagrange(middle - offset) + Lagrange(middle + offset));

        double Lagrange(double sigma)
        {
            var product = 1.0;
            for (var k = 0; k < order; k++)
                if (k != node) product *= (sigma - SigmaTable[StepIndex - k]) / ((double)SigmaTable[StepIndex - node] - SigmaTable[StepIndex - k]);
            return product;
        }
    }
}
