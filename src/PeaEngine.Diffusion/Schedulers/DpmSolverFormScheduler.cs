namespace PeaEngine.Diffusion.Schedulers;

/// <summary>What DPM-Solver's multistep and singlestep samplers share: its four forms, its two solver types, its schedule's end.</summary>
public abstract class DpmSolverFormScheduler : DpmSolverScheduler
{
    readonly DpmAlgorithm algorithm;
    readonly double lambdaMinClipped;

    private protected DpmSolverFormScheduler(SchedulerConfig config, NoiseSchedule training, bool knowsLu, ReadOnlySpan<string> algorithms)
        : base(config, training, maxOrder: 3, knowsLu)
    {
        algorithm = config.Choice("algorithm_type", "dpmsolver++", algorithms) switch
        {
            "dpmsolver++" => DpmAlgorithm.PlusPlus,
            "dpmsolver" => DpmAlgorithm.Noise,
            "sde-dpmsolver++" => DpmAlgorithm.StochasticPlusPlus,
            _ => DpmAlgorithm.StochasticNoise,
        };
        // logrho, bh1 and bh2 are other solvers' types, which diffusers takes as midpoint
        IsHeun = config.Choice("solver_type", "midpoint", "midpoint", "heun", "logrho", "bh1", "bh2") == "heun";
        EndsAtZero = config.Choice("final_sigmas_type", "zero", "zero", "sigma_min") == "zero";
        if (EndsAtZero && !PredictsOriginal)
            throw config.Wrong("final_sigmas_type", "sigma_min, the only end that algorithm_type dpmsolver and sde-dpmsolver have");
        if (algorithm == DpmAlgorithm.StochasticNoise && SolverOrder == 3) throw config.Wrong("solver_order", "1 or 2 for sde-dpmsolver");
        lambdaMinClipped = config.Number("lambda_min_clipped", double.NegativeInfinity);
        if (config.Has("variance_type")) throw config.Wrong("variance_type", "null, the only value implemented");
    }

    private protected bool IsHeun { get; }

    private protected bool EndsAtZero { get; }

    /// <summary>How many of the noisiest training timesteps <c>lambda_min_clipped</c> leaves out.</summary>
    private protected int ClippedTimesteps =>
        Training.AlphasCumprod.Count(alpha => MathF.Log(MathF.Sqrt(alpha)) - MathF.Log(MathF.Sqrt(1 - alpha)) < lambdaMinClipped);

    bool PredictsOriginal => algorithm is DpmAlgorithm.PlusPlus or DpmAlgorithm.StochasticPlusPlus;

    bool IsStochastic => algorithm is DpmAlgorithm.StochasticPlusPlus or DpmAlgorithm.StochasticNoise;

    private protected double[] MakeTimesteps(double[] spaced, int steps)
    {
        var (timesteps, sigmas) = Follow(spaced, steps);
        SigmaTable = [.. Array.ConvertAll(sigmas, sigma => (float)sigma), EndsAtZero ? 0 : Training.Sigmas()[0]];
        return timesteps;
    }

    /// <summary>Keeps the model's output as what the algorithm predicts.</summary>
    private protected void Convert(StepOps ops, Tensor modelOutput, Tensor sample) => Convert(ops, modelOutput, sample, PredictsOriginal);

    /// <summary>The coefficients of a step from the beginning of one timestep to the end of the current one.</summary>
    private protected DpmSolverStep StepFrom(int begin)
    {
        var end = StepIndex + 1;
        return DpmSolverStep.Of(algorithm, Lambda(end) - Lambda(begin), Alpha(begin), Sigma(begin), Alpha(end), Sigma(end));
    }

    /// <summary>A first-order step (DDIM).</summary>
    private protected void StepFirst(StepOps ops, Tensor sample, Tensor from, StepArguments arguments)
    {
        var step = StepFrom(StepIndex);
        ops.Combine(sample, Of(step.Carry, from), Of(step.Zeroth, Outputs[0]));
        AddStochastic(ops, sample, step, arguments);
    }

    /// <summary>The algorithm's noise, if it has any.</summary>
    private protected void AddStochastic(StepOps ops, Tensor sample, DpmSolverStep step, StepArguments arguments)
    {
        if (IsStochastic) ops.Combine(sample, Of(1, sample), Of(step.Noise, Draw(ops, sample, arguments)));
    }
}
