namespace PeaEngine.Diffusion.Schedulers;

/// <summary>
/// The samplers that solve the diffusion equation in log-SNR (DPM-Solver, DEIS, UniPC). The sample is α·x₀ + σ·ε with α² + σ² = 1;
/// <see cref="Scheduler.Sigmas"/> are σ/α. The model's outputs are kept as predictions of x₀ or of ε.
/// </summary>
public abstract class DpmSolverScheduler : Scheduler
{
    readonly SampleClipping clipping;

    private protected DpmSolverScheduler(SchedulerConfig config, NoiseSchedule training, int maxOrder, bool knowsLu = false, bool corrects = false) : base(config, training)
    {
        Curve = SigmaSchedule.Read(config, knowsLu);
        SolverOrder = config.Integer("solver_order", 2, 1, maxOrder);
        // a corrector looks at the newest beside those of its order
        Outputs = new TensorRing(corrects ? SolverOrder + 1 : SolverOrder);
        clipping = new SampleClipping(config, clipDefault: null);
        config.Only("use_flow_sigmas", false);
        config.Only("use_dynamic_shifting", false);
        // without flow these say nothing
        config.Number("flow_shift", 1);
        config.Text("time_shift_type", "exponential");
    }

    private protected SigmaCurve Curve { get; }

    private protected int SolverOrder { get; }

    /// <summary>The converted outputs of the latest steps.</summary>
    private protected TensorRing Outputs { get; }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        Outputs.Dispose();
        base.Dispose(disposing);
    }

    private protected override void Reset() => Outputs.Clear();

    /// <summary>α of a step's beginning.</summary>
    private protected double Alpha(int index) => 1 / Math.Sqrt((double)SigmaTable[index] * SigmaTable[index] + 1);

    /// <summary>σ of a step's beginning.</summary>
    private protected double Sigma(int index) => SigmaTable[index] * Alpha(index);

    /// <summary>Half the log-SNR of a step's beginning: log(α / σ).</summary>
    private protected double Lambda(int index) => -Math.Log(SigmaTable[index]);

    private protected override (double OfOriginal, double OfNoise) NoiseLevel(int index) => (Alpha(index), Sigma(index));

    /// <summary>Whole timesteps: those of <paramref name="steps"/> + 1 without the last, or the trailing ones.</summary>
    /// <param name="steps">The inference steps.</param>
    /// <param name="last">The training timesteps that are used.</param>
    private protected double[] SpaceTimesteps(int steps, int last) => TimestepSpacing switch
    {
        "linspace" => Array.ConvertAll(Spacing.Linspaced(last - 1, steps + 1)[..^1], Math.Round),
        "leading" => Spacing.Leading(last / (steps + 1), steps + 1, StepsOffset)[..^1],
        _ => Spacing.Trailing(last, (double)Training.Count / steps),
    };

    /// <summary>Timesteps and noise levels, both along the curve if there is one.</summary>
    /// <param name="timesteps">The timesteps where there is no curve.</param>
    /// <param name="steps">The inference steps.</param>
    /// <param name="max">The curve's beginning, if not the training schedule's largest.</param>
    /// <param name="min">The curve's end, if not the training schedule's smallest.</param>
    private protected (double[] Timesteps, double[] Sigmas) Follow(double[] timesteps, int steps, double? max = null, double? min = null)
    {
        var training = Training.Sigmas();
        if (Curve == SigmaCurve.Training) return (timesteps, Array.ConvertAll(timesteps, t => Spacing.Interpolate(t, training)));
        var (along, sigmas) = SigmaSchedule.Make(Curve, max ?? training[^1], min ?? training[0], steps, training);
        // whole timesteps: Karras' and Lu's are rounded, the others cut
        return (Array.ConvertAll(along, t => RoundsTimesteps ? Math.Round(t) : Math.Truncate(t)), sigmas);
    }

    private protected virtual bool RoundsTimesteps => Curve is SigmaCurve.Karras or SigmaCurve.Lu;

    /// <summary>Keeps what the model predicts as the latest of <see cref="Outputs"/>.</summary>
    private protected void Convert(StepOps ops, Tensor modelOutput, Tensor sample, bool toOriginal)
    {
        double alpha = Alpha(StepIndex), sigma = Sigma(StepIndex);
        var predicted = Prediction.Of(PredictionType, alpha, sigma);
        var converted = Outputs.Push(ops, sample.Shape);
        var mix = toOriginal || clipping.Applies ? predicted.Original : predicted.Noise;
        ops.Combine(converted, Of(mix.OfSample, sample), Of(mix.OfOutput, modelOutput));
        if (!clipping.Applies) return;
        ops.Clip(clipping, converted);
        if (!toOriginal) ops.Combine(converted, Of(1 / sigma, sample), Of(-alpha / sigma, converted));
    }
}
