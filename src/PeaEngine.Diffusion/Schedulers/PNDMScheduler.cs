namespace PeaEngine.Diffusion.Schedulers;

/// <summary>
/// diffusers' PNDMScheduler: pseudo numerical methods, arXiv 2202.09778. Linear multistep of fourth order, begun by Runge-Kutta steps
/// or, with <c>skip_prk_steps</c>, by taking the second step twice.
/// </summary>
public sealed class PNDMScheduler : AlphaScheduler
{
    const int RungeKutta = 4;

    readonly bool skipPrk;
    readonly TensorRing outputs = new(4), start = new(1), sum = new(1);
    double[] prkTimesteps = [];
    int stride;

    internal PNDMScheduler(SchedulerConfig config) : base(config, new NoiseSchedule(config, takesZeroSnr: false))
    {
        RefuseSamplePrediction();
        skipPrk = config.Flag("skip_prk_steps", false);
        FinalAlphaCumprod = ReadFinalAlpha(config, Training, toOne: false);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        outputs.Dispose();
        start.Dispose();
        sum.Dispose();
        base.Dispose(disposing);
    }

    private protected override void Reset()
    {
        outputs.Clear();
        start.Clear();
        sum.Clear();
    }

    private protected override double[] MakeTimesteps(int steps)
    {
        stride = Training.Count / steps;
        var timesteps = SpaceTimesteps(steps);
        if (skipPrk) return timesteps.Length < 2 ? timesteps : [timesteps[0], timesteps[1], .. timesteps[1..]];

        if (timesteps.Length < RungeKutta)
            throw new OptionException($"steps {steps}: {ClassName} without skip_prk_steps expects at least {RungeKutta}");
        // each Runge-Kutta step: at its timestep, twice half-way to the next, at the next
        prkTimesteps = new double[3 * RungeKutta];
        for (var i = 0; i < 3; i++)
        {
            var half = timesteps[i + 1] + stride / 2;
            prkTimesteps[4 * i] = timesteps[i];
            prkTimesteps[4 * i + 1] = prkTimesteps[4 * i + 2] = half;
            prkTimesteps[4 * i + 3] = timesteps[i + 1];
        }
        return [.. prkTimesteps, .. timesteps[3..]];
    }

    private protected override void Advance(StepOps ops, Tensor modelOutput, Tensor sample, StepArguments arguments)
    {
        var timestep = (int)Timesteps[StepIndex];
        if (!skipPrk && StepsTaken < prkTimesteps.Length) AdvanceRungeKutta(ops, modelOutput, sample, timestep);
        else AdvanceMultistep(ops, modelOutput, sample, timestep);
    }

    void AdvanceRungeKutta(StepOps ops, Tensor modelOutput, Tensor sample, int timestep)
    {
        var stage = StepsTaken % 4;
        var previous = timestep - (StepsTaken % 2 == 1 ? 0 : stride / 2);
        var from = (int)prkTimesteps[StepsTaken / 4 * 4];
        if (stage == 0)
        {
            ops.Copy(modelOutput, outputs.Push(ops, sample.Shape));
            ops.Copy(sample, start.Push(ops, sample.Shape));
            ops.Combine(sum.Push(ops, sample.Shape), Of(1 / 6.0, modelOutput));
        }
        else
        {
            ops.Combine(sum[0], Of(1, sum[0]), Of(stage == 3 ? 1 / 6.0 : 1 / 3.0, modelOutput));
        }
        var (ofSample, ofOutput) = Transfer(from, previous);
        ops.Combine(sample, Of(ofSample, start[0]), Of(ofOutput, stage == 3 ? sum[0] : modelOutput));
    }

    void AdvanceMultistep(StepOps ops, Tensor modelOutput, Tensor sample, int timestep)
    {
        var repeated = StepsTaken == 1;
        if (!repeated) ops.Copy(modelOutput, outputs.Push(ops, sample.Shape));
        var (ofSample, ofOutput) = repeated ? Transfer(timestep + stride, timestep) : Transfer(timestep, timestep - stride);
        switch (outputs.Count)
        {
            case 1 when repeated:
                ops.Combine(sample, Of(ofSample, start[0]), Of(ofOutput / 2, modelOutput), Of(ofOutput / 2, outputs[0]));
                break;
            case 1:
                ops.Copy(sample, start.Push(ops, sample.Shape));
                ops.Combine(sample, Of(ofSample, sample), Of(ofOutput, modelOutput));
                break;
            case 2:
                ops.Combine(sample, Of(ofSample, sample), Of(ofOutput * 3 / 2, outputs[0]), Of(-ofOutput / 2, outputs[1]));
                break;
            case 3:
                ops.Combine(sample, Of(ofSample, sample), Of(ofOutput * 23 / 12, outputs[0]), Of(-ofOutput * 16 / 12, outputs[1]),
                    Of(ofOutput * 5 / 12, outputs[2]));
                break;
            default:
                ops.Combine(sample, Of(ofSample, sample), Of(ofOutput * 55 / 24, outputs[0]), Of(-ofOutput * 59 / 24, outputs[1]),
                    Of(ofOutput * 37 / 24, outputs[2]), Of(-ofOutput * 9 / 24, outputs[3]));
                break;
        }
    }

    // formula 9 of the paper, with the model's output in place of the noise
    (double OfSample, double OfOutput) Transfer(int timestep, int previousTimestep)
    {
        double alpha = AlphaCumprod(timestep), previous = PreviousAlphaCumprod(previousTimestep);
        var ofNoise = -(previous - alpha) / (alpha * Math.Sqrt(1 - previous) + Math.Sqrt(alpha * (1 - alpha) * previous));
        var next = new Mix(Math.Sqrt(previous / alpha), 0) + ofNoise * Prediction.Of(PredictionType, Math.Sqrt(alpha), Math.Sqrt(1 - alpha)).Noise;
        return (next.OfSample, next.OfOutput);
    }
}
