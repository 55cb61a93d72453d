namespace PeaEngine.Diffusion.Schedulers;

/// <summary>
/// diffusers' UniPCMultistepScheduler: a predictor step, which the next model output first corrects (arXiv 2302.04867).
/// </summary>
public sealed class UniPCMultistepScheduler : DpmSolverScheduler
{
    // the corrector combines two tensors more than its order, and a combination has at most eight
    const int MaxOrder = 6;

    readonly TensorRing previous = new(1);
    readonly HashSet<int> disabledCorrector;
    readonly double? sigmaMin, sigmaMax;
    readonly bool predictsOriginal, bh1, lowerOrderFinal, endsAtZero;
    int order;

    internal UniPCMultistepScheduler(SchedulerConfig config)
        : base(config, new NoiseSchedule(config, takesZeroSnr: true, NoiseSchedule.AlmostZero), MaxOrder, corrects: true)
    {
        predictsOriginal = config.Flag("predict_x0", true);
        // midpoint, heun and logrho are other solvers' types, which diffusers takes as bh2
        bh1 = config.Choice("solver_type", "bh2", "bh2", "bh1", "midpoint", "heun", "logrho") == "bh1";
        lowerOrderFinal = config.Flag("lower_order_final", true);
        disabledCorrector = [.. (config.OptionalNumbers("disable_corrector") ?? []).Select(index => (int)index)];
        if (config.Has("solver_p")) throw config.Wrong("solver_p", "null, the only value implemented");
        if (config.Has("shift_terminal")) throw config.Wrong("shift_terminal", "null, the only value without use_flow_sigmas");
        endsAtZero = config.Choice("final_sigmas_type", "zero", "zero", "sigma_min") == "zero";
        sigmaMin = config.OptionalNumber("sigma_min");
        sigmaMax = config.OptionalNumber("sigma_max");
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        previous.Dispose();
        base.Dispose(disposing);
    }

    private protected override void Reset()
    {
        base.Reset();
        previous.Clear();
    }

    private protected override double[] MakeTimesteps(int steps)
    {
        var (timesteps, sigmas) = Follow(SpaceTimesteps(steps, Training.Count), steps, sigmaMax, sigmaMin);
        var last = endsAtZero ? 0 : Curve == SigmaCurve.Training ? Training.Sigmas()[0] : sigmas[^1];
        SigmaTable = Array.ConvertAll([.. sigmas, last], sigma => (float)sigma);
        return timesteps;
    }

    private protected override void Advance(StepOps ops, Tensor modelOutput, Tensor sample, StepArguments arguments)
    {
        Convert(ops, modelOutput, sample, predictsOriginal);
        if (StepsTaken > 0 && !disabledCorrector.Contains(StepIndex - 1)) Update(ops, sample, previous[0], StepIndex, corrects: true);

        order = Math.Min(lowerOrderFinal ? Math.Min(SolverOrder, Timesteps.Count - StepIndex) : SolverOrder, StepsTaken + 1);
        ops.Copy(sample, previous.Push(ops, sample.Shape));
        Update(ops, sample, sample, StepIndex + 1, corrects: false);
    }

    // The B(h) update of the paper from the beginning of the step that ends at index `end`: the predictor uses the outputs up to that
    // beginning, the corrector also the one at the end.
    void Update(StepOps ops, Tensor sample, Tensor from, int end, bool corrects)
    {
        var begin = end - 1;
        var newest = corrects ? 1 : 0;
        double h = Lambda(end) - Lambda(begin), signed = predictsOriginal ? -h : h, phi = ExpMinusOne(signed), scale = bh1 ? signed : phi;
        var (carry, outer) = predictsOriginal ? (Sigma(end) / Sigma(begin), Alpha(end)) : (Alpha(end) / Alpha(begin), Sigma(end));

        Span<double> ratios = stackalloc double[order], weights = stackalloc double[order];
        for (var i = 1; i < order; i++) ratios[i - 1] = (Lambda(begin - i) - Lambda(begin)) / h;
        ratios[order - 1] = 1;
        Solve(ratios, signed, phi, scale, corrects, weights);

        Span<Term> terms = [Of(carry, from), default, default, default, default, default, default, default];
        var ofBegin = -outer * phi;
        for (var i = 1; i < order; i++)
        {
            var weight = -outer * scale * weights[i - 1] / ratios[i - 1];
            terms[i + 1] = Of(weight, Outputs[newest + i]);
            ofBegin -= weight;
        }
        var count = order + 1;
        if (corrects)
        {
            var weight = -outer * scale * weights[order - 1];
            terms[count++] = Of(weight, Outputs[0]);
            ofBegin -= weight;
        }
        terms[1] = Of(ofBegin, Outputs[newest]);
        ops.Combine(sample, terms[..count]);
    }

    // Σ weightₖ · ratioₖⁱ⁻¹ = bᵢ. The predictor's last ratio is unused; the smallest systems have the paper's simple weight of a half.
    static void Solve(ReadOnlySpan<double> ratios, double h, double phi, double scale, bool corrects, Span<double> weights)
    {
        var unknowns = corrects ? ratios.Length : ratios.Length - 1;
        weights.Clear();
        if (unknowns == 0) return;
        if (unknowns == 1)
        {
            weights[0] = 0.5;
            return;
        }
        Span<double> matrix = stackalloc double[unknowns * unknowns];
        double phiK = phi / h - 1, factorial = 1;
        for (var i = 0; i < unknowns; i++)
        {
            for (var k = 0; k < unknowns; k++) matrix[i * unknowns + k] = Math.Pow(ratios[k], i);
            weights[i] = phiK * factorial / scale;
            factorial *= i + 2;
            phiK = phiK / h - 1 / factorial;
        }
        LinearSystem.Solve(matrix, weights[..unknowns]);
    }

    // expm1: the difference loses digits where x is small
    static double ExpMinusOne(double x) => Math.Abs(x) > 1e-2 ? Math.Exp(x) - 1 : x * (1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5 * (1 + x / 6)))));
}
