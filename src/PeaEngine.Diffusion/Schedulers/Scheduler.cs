using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Schedulers;

/// <summary>
/// A sampler of diffusers: which timesteps the model sees, and how its output moves the sample. Tensors stay on the backend in
/// diffusers' own layout, F32. One call of a pipeline is <see cref="SetTimesteps"/>, <see cref="SetBeginIndex"/> if it does not
/// begin at the first, then for every remaining timestep <see cref="ScaleModelInput"/>, the model, <see cref="Step"/>.
/// </summary>
public abstract class Scheduler : IDisposable
{
    readonly TensorRing noise = new(1);
    StepOps? own;
    double[] timesteps = [];

    private protected Scheduler(SchedulerConfig config, NoiseSchedule training)
    {
        Config = config;
        Training = training;
        PredictionType = Prediction.TypeOf(config);
        TimestepSpacing = config.Choice("timestep_spacing", config.DefaultsOf("timestep_spacing").TimestepSpacing, "linspace", "leading", "trailing");
        StepsOffset = config.Integer("steps_offset", 0, 0, training.Count - 1);
    }

    /// <summary>What the model is given at each step, in order: fractional in some classes, repeated in others.</summary>
    public IReadOnlyList<double> Timesteps => timesteps;

    /// <summary>The timesteps of one step of the method: 2 for those that evaluate the model twice.</summary>
    public virtual int Order => 1;

    /// <summary>The standard deviation that the first noise is multiplied by.</summary>
    public virtual double InitNoiseSigma => 1;

    /// <summary>The noise levels σ of the steps and what they end at; empty in the classes that reckon with ᾱ.</summary>
    public IReadOnlyList<float> Sigmas => SigmaTable;

    /// <summary>Which of <see cref="Timesteps"/> is next.</summary>
    public int StepIndex { get; private set; }

    /// <summary>diffusers' name of the class.</summary>
    public string ClassName => Config.ClassName;

    /// <summary>Settings of the configuration that this class does not know, and ignores as diffusers does.</summary>
    public IReadOnlyList<string> IgnoredKeys => Config.IgnoredKeys;

    /// <summary>ᾱ of every training timestep: how much of a picture's variance is left of it.</summary>
    public IReadOnlyList<float> AlphasCumprod => Training.AlphasCumprod;

    /// <summary>num_train_timesteps</summary>
    internal int TrainTimesteps => Training.Count;

    private protected SchedulerConfig Config { get; }

    private protected NoiseSchedule Training { get; }

    private protected PredictionType PredictionType { get; }

    /// <summary>The steps taken since the beginning.</summary>
    private protected int StepsTaken { get; private set; }

    private protected float[] SigmaTable { get; set; } = [];

    private protected string TimestepSpacing { get; }

    private protected int StepsOffset { get; }

    /// <summary>Makes the scheduler of a model's <c>scheduler_config.json</c>, with diffusers' defaults for missing keys.</summary>
    /// <exception cref="PeaException">There is no such class here, or it cannot follow a setting.</exception>
    public static Scheduler FromConfig(JsonConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return FromConfig(new SchedulerConfig(config));
    }

    /// <summary>Begins anew with the timesteps of so many inference steps.</summary>
    /// <exception cref="OptionException">The number is below 1, or the class has no such schedule.</exception>
    public void SetTimesteps(int numInferenceSteps)
    {
        if (numInferenceSteps < 1) throw new OptionException($"steps {numInferenceSteps}: expected 1 or more");
        if (numInferenceSteps > Training.Count)
            throw new OptionException($"steps {numInferenceSteps}: expected at most the {Training.Count} timesteps the model was trained with");
        timesteps = MakeTimesteps(numInferenceSteps);
        SetBeginIndex(0);
    }

    /// <summary>Begins at a later timestep, as image to image does.</summary>
    /// <param name="index">Into <see cref="Timesteps"/>.</param>
    /// <exception cref="PeaException">There is no such timestep.</exception>
    public void SetBeginIndex(int index)
    {
        if ((uint)index > (uint)timesteps.Length) throw new PeaException($"begin index {index}: expected 0 to {timesteps.Length}, the timesteps set");
        StepIndex = index;
        StepsTaken = 0;
        Reset();
    }

    /// <summary>What the model is given in place of the sample at the current step.</summary>
    /// <param name="backend">Where the tensors live.</param>
    /// <param name="sample">[B, C, H, W] F32</param>
    /// <param name="scaled">As many elements; may be <paramref name="sample"/></param>
    public void ScaleModelInput(Backend backend, Tensor sample, Tensor scaled)
    {
        var ops = Begin(backend);
        NoteScaledInput(ops, sample, scaled);
        ops.Run(0, ops.Count);
    }

    /// <summary>Takes the current step and goes on to the next.</summary>
    /// <param name="backend">Where the tensors live.</param>
    /// <param name="modelOutput">[B, C, H, W] F32</param>
    /// <param name="sample">[B, C, H, W] F32, overwritten by the sample of the next timestep</param>
    /// <param name="arguments">Noise and eta.</param>
    /// <exception cref="PeaException">All steps are taken, or noise is needed and there is no source of it.</exception>
    public void Step(Backend backend, Tensor modelOutput, Tensor sample, StepArguments arguments = default)
    {
        var ops = Begin(backend);
        NoteStep(ops, modelOutput, sample, arguments);
        ops.Run(0, ops.Count);
    }

    /// <summary>A clean sample as it is at the beginning of a step: noisy = a · original + b · noise.</summary>
    /// <param name="backend">Where the tensors live.</param>
    /// <param name="original">[B, C, H, W] F32</param>
    /// <param name="noise">[B, C, H, W] F32</param>
    /// <param name="noisy">[B, C, H, W] F32; may be either of the others</param>
    /// <param name="index">Into <see cref="Timesteps"/>.</param>
    public void AddNoise(Backend backend, Tensor original, Tensor noise, Tensor noisy, int index)
    {
        var ops = Begin(backend);
        NoteNoise(ops, original, noise, noisy, index);
        ops.Run(0, ops.Count);
    }

    /// <summary>Frees the tensors kept between steps.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Notes <see cref="ScaleModelInput"/> instead of doing it.</summary>
    internal void NoteScaledInput(StepOps ops, Tensor sample, Tensor scaled)
    {
        RequireStep();
        ops.Combine(scaled, new Term((float)InputScale(StepIndex), sample));
    }

    /// <summary>Notes <see cref="Step"/> instead of doing it, and goes on to the next step. Noise is drawn at once.</summary>
    internal void NoteStep(StepOps ops, Tensor modelOutput, Tensor sample, StepArguments arguments)
    {
        RequireStep();
        Advance(ops, modelOutput, sample, arguments);
        StepIndex++;
        StepsTaken++;
    }

    /// <summary>Notes <see cref="AddNoise"/> instead of doing it.</summary>
    internal void NoteNoise(StepOps ops, Tensor original, Tensor noise, Tensor noisy, int index)
    {
        if ((uint)index >= (uint)timesteps.Length) throw new PeaException($"noise of step {index}: {timesteps.Length} timesteps are set");
        var (ofOriginal, ofNoise) = NoiseLevel(index);
        ops.Combine(noisy, new Term((float)ofOriginal, original), new Term((float)ofNoise, noise));
    }

    internal static Scheduler FromConfig(SchedulerConfig config) => config.ClassName switch
    {
        "DDIMScheduler" => new DDIMScheduler(config),
        "DDPMScheduler" => new DDPMScheduler(config),
        "DEISMultistepScheduler" => new DEISMultistepScheduler(config),
        "DPMSolverMultistepScheduler" => new DPMSolverMultistepScheduler(config),
        "DPMSolverSinglestepScheduler" => new DPMSolverSinglestepScheduler(config),
        "EulerAncestralDiscreteScheduler" => new EulerAncestralDiscreteScheduler(config),
        "EulerDiscreteScheduler" => new EulerDiscreteScheduler(config),
        "HeunDiscreteScheduler" => new HeunDiscreteScheduler(config),
        "KDPM2AncestralDiscreteScheduler" => new KDPM2AncestralDiscreteScheduler(config),
        "KDPM2DiscreteScheduler" => new KDPM2DiscreteScheduler(config),
        "LCMScheduler" => new LCMScheduler(config),
        "LMSDiscreteScheduler" => new LMSDiscreteScheduler(config),
        "PNDMScheduler" => new PNDMScheduler(config),
        "TCDScheduler" => new TCDScheduler(config),
        _ => new UniPCMultistepScheduler(config),
    };

    private protected abstract double[] MakeTimesteps(int steps);

    private protected abstract void Advance(StepOps ops, Tensor modelOutput, Tensor sample, StepArguments arguments);

    /// <summary>What of the clean sample and of unit noise is in a noisy sample at the beginning of a step.</summary>
    private protected abstract (double OfOriginal, double OfNoise) NoiseLevel(int index);

    private protected virtual double InputScale(int index) => 1;

    /// <summary>Forgets what earlier steps left.</summary>
    private protected virtual void Reset() { }

    /// <summary>Frees the tensors kept between steps.</summary>
    protected virtual void Dispose(bool disposing) => noise.Dispose();

    /// <summary>Draws noise of the sample's shape; it lives until the next draw.</summary>
    private protected Tensor Draw(StepOps ops, Tensor sample, StepArguments arguments)
    {
        var drawn = noise.Push(ops, sample.Shape);
        if (arguments.Noise == null) throw new PeaException($"{ClassName}: step {StepIndex} draws noise, but no source of it was given");
        arguments.Noise.Fill(drawn);
        return drawn;
    }

    /// <summary>Refuses <c>prediction_type</c> "sample", where diffusers' class refuses it.</summary>
    private protected void RefuseSamplePrediction()
    {
        if (PredictionType == PredictionType.Sample) throw Config.Wrong("prediction_type", $"epsilon or v_prediction for {ClassName}");
    }

    private protected static Term Of(double coefficient, Tensor tensor) => new((float)coefficient, tensor);

    /// <summary>Ops to be noted and done at once.</summary>
    StepOps Begin(Backend backend)
    {
        ArgumentNullException.ThrowIfNull(backend);
        if (own?.Backend != backend) own = new(backend);
        own.Clear();
        return own;
    }

    void RequireStep()
    {
        if (StepIndex >= timesteps.Length)
            throw new PeaException(timesteps.Length == 0 ? $"{ClassName}: no timesteps are set" : $"{ClassName}: all {timesteps.Length} steps are taken");
    }
}
