namespace PeaEngine.Diffusion.Schedulers;

/// <summary>The second-order samplers of k-diffusion that evaluate the model half-way (in log σ) through each step but the last.</summary>
public abstract class KDPM2Scheduler : SigmaScheduler
{
    readonly SigmaCurve curve;
    readonly TensorRing start = new(1);

    private protected KDPM2Scheduler(SchedulerConfig config) : base(config, new NoiseSchedule(config, takesZeroSnr: false))
    {
        RefuseSamplePrediction();
        curve = SigmaSchedule.Read(config);
    }

    /// <inheritdoc/>
    public override int Order => 2;

    /// <summary>Where each step's half-way evaluation lies; the last step has none.</summary>
    private protected float[] Halfway { get; set; } = [];

    /// <summary>The noise levels that the steps begin at, and 0.</summary>
    private protected float[] Levels { get; private set; } = [];

    /// <summary>Which step the current timestep belongs to.</summary>
    private protected int Whole => StepIndex / 2;

    private protected bool IsHalfway => StepIndex % 2 == 1;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        start.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Where the half-way evaluation of a step lies.</summary>
    private protected abstract float HalfwayFrom(float sigma, float next);

    private protected override double[] MakeTimesteps(int steps)
    {
        (var timesteps, var sigmas) = Schedule(steps, curve);
        Levels = [.. sigmas, 0];
        if (curve == SigmaCurve.Karras) timesteps = Array.ConvertAll(timesteps, Math.Round);
        SigmaTable = [Levels[0], .. Twice(Levels[1..]), 0];

        var logs = Array.ConvertAll(Training.Sigmas(), MathF.Log);
        Halfway = new float[timesteps.Length - 1];
        var all = new double[2 * timesteps.Length - 1];
        for (var i = 0; i < timesteps.Length; i++)
        {
            all[2 * i] = timesteps[i];
            if (i == Halfway.Length) break;
            Halfway[i] = HalfwayFrom(Levels[i], Levels[i + 1]);
            all[2 * i + 1] = (float)SigmaSchedule.ToTimestep(Halfway[i], logs);
        }
        return all;
    }

    private protected override double InputScale(int index)
    {
        double sigma = index % 2 == 1 ? Halfway[index / 2] : SigmaTable[index];
        return 1 / Math.Sqrt(sigma * sigma + 1);
    }

    /// <summary>The first half of a step, or the second to <paramref name="end"/>.</summary>
    private protected void AdvanceTo(double end, StepOps ops, Tensor modelOutput, Tensor sample)
    {
        double sigma = Levels[Whole];
        if (!IsHalfway)
        {
            ops.Copy(sample, start.Push(ops, sample.Shape));
            var half = Whole < Halfway.Length ? Halfway[Whole] : 0;
            var next = new Mix(1, 0) + (half - sigma) * Derivative(sigma);
            ops.Combine(sample, Of(next.OfSample, sample), Of(next.OfOutput, modelOutput));
        }
        else
        {
            var slope = (end - sigma) * Derivative(Halfway[Whole]);
            ops.Combine(sample, Of(1, start[0]), Of(slope.OfSample, sample), Of(slope.OfOutput, modelOutput));
        }
    }

    /// <summary>Half-way between two logarithms, as torch's lerp of one half rounds it.</summary>
    private protected static float MiddleOfLogs(float from, float to)
    {
        float start = MathF.Log(from), end = MathF.Log(to);
        return MathF.Exp(end - (end - start) * 0.5f);
    }
}
