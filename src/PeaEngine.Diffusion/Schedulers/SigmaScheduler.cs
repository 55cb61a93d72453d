namespace PeaEngine.Diffusion.Schedulers;

/// <summary>The samplers of k-diffusion: the sample is x₀ + σ·ε, and the model is given it divided by √(σ² + 1).</summary>
public abstract class SigmaScheduler : Scheduler
{
    private protected SigmaScheduler(SchedulerConfig config, NoiseSchedule training) : base(config, training) { }

    /// <inheritdoc/>
    public override double InitNoiseSigma
    {
        get
        {
            var max = Sigmas.Count > 0 ? Sigmas.Max() : Training.Sigmas()[^1];
            return TimestepSpacing == "leading" ? MathF.Sqrt(max * max + 1) : max;
        }
    }

    private protected override double InputScale(int index) => 1 / Math.Sqrt((double)SigmaTable[index] * SigmaTable[index] + 1);

    private protected override (double OfOriginal, double OfNoise) NoiseLevel(int index) => (1, SigmaTable[index]);

    /// <summary>The inference timesteps before any curve replaces them, in single precision.</summary>
    private protected double[] SpaceTimesteps(int steps) => TimestepSpacing switch
    {
        "linspace" => Spacing.ToSingle(Spacing.Linspaced(Training.Count - 1, steps)),
        "leading" => Spacing.Leading(Training.Count / steps, steps, StepsOffset),
        _ => Spacing.Trailing(Training.Count, (double)Training.Count / steps),
    };

    /// <summary>The clean sample that the model's output implies.</summary>
    /// <param name="sigma">The sample's noise level.</param>
    private protected Mix Original(double sigma) => PredictionType switch
    {
        PredictionType.Epsilon => new(1, -sigma),
        PredictionType.Sample => new(0, 1),
        _ => new(1 / (sigma * sigma + 1), -sigma / Math.Sqrt(sigma * sigma + 1)),
    };

    /// <summary>dx/dσ = (x − x₀) / σ.</summary>
    private protected Mix Derivative(double sigma) => 1 / sigma * (new Mix(1, 0) + -1 * Original(sigma));

    /// <summary>The noise levels of inference timesteps, linear between training timesteps.</summary>
    private protected double[] SigmasAt(double[] timesteps)
    {
        var training = Training.Sigmas();
        return Array.ConvertAll(timesteps, t => Spacing.Interpolate(t, training));
    }

    /// <summary>Timesteps and noise levels, both along a curve if there is one.</summary>
    private protected (double[] Timesteps, float[] Sigmas) Schedule(int steps, SigmaCurve curve)
    {
        var timesteps = SpaceTimesteps(steps);
        var sigmas = SigmasAt(timesteps);
        if (curve != SigmaCurve.Training)
            (timesteps, sigmas) = SigmaSchedule.Make(curve, sigmas[0], sigmas[^1], steps, Training.Sigmas());
        return (timesteps, Array.ConvertAll(sigmas, sigma => (float)sigma));
    }

    /// <summary>An ancestral step to a noise level: how far down it goes, and how much noise then leads up.</summary>
    private protected static (double Down, double Up) SplitAncestral(double from, double to)
    {
        var up = Math.Sqrt(to * to * (from * from - to * to) / (from * from));
        return (Math.Sqrt(Math.Max(to * to - up * up, 0)), up);
    }

    private protected static T[] Twice<T>(T[] values) => [.. values.SelectMany(value => new[] { value, value })];
}
