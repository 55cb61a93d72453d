namespace PeaEngine.Diffusion.Schedulers;

/// <summary>
/// The noise of the training timesteps, in single precision wherever diffusers' tables are: near t = 0 the rounding of ᾱ shows in
/// the fifth digit of σ.
/// </summary>
sealed class NoiseSchedule
{
    /// <summary>2⁻²⁴, which diffusers puts where ᾱ would be 0 and σ infinite.</summary>
    public const float AlmostZero = 1f / (1 << 24);

    const int MaxTimesteps = 1_000_000;

    /// <summary>Reads the betas of a configuration.</summary>
    /// <param name="config">Where <c>num_train_timesteps</c>, <c>beta_*</c>, <c>trained_betas</c> and <c>rescale_betas_zero_snr</c> stand.</param>
    /// <param name="takesZeroSnr">Whether the class knows <c>rescale_betas_zero_snr</c>.</param>
    /// <param name="lastAlpha">What a class with σ tables puts in place of the zero that the rescaling leaves; 0 keeps it.</param>
    public NoiseSchedule(SchedulerConfig config, bool takesZeroSnr, float lastAlpha = 0)
    {
        var count = config.Integer("num_train_timesteps", 1000, 1, MaxTimesteps);
        var start = config.Number("beta_start", config.DefaultsOf("beta_start").BetaStart);
        var end = config.Number("beta_end", config.DefaultsOf("beta_end").BetaEnd);
        Kind = config.Choice("beta_schedule", config.DefaultsOf("beta_schedule").BetaSchedule, "linear", "scaled_linear", "squaredcos_cap_v2");
        var trained = config.OptionalNumbers("trained_betas");
        if (trained != null && trained.Length != count)
            throw new PeaException($"{config.Source}: trained_betas has {trained.Length} values, expected num_train_timesteps {count}");
        var betas = trained != null ? Array.ConvertAll(trained, beta => (float)beta) : Kind switch
        {
            "linear" => Linspace(start, end, count),
            "scaled_linear" => Array.ConvertAll(Linspace(Math.Sqrt(start), Math.Sqrt(end), count), root => root * root),
            _ => Cosine(count),
        };
        foreach (var beta in betas)
            if (!(beta > 0 && beta < 1))
                throw new PeaException($"{config.Source}: a beta of {beta} (beta_start {start}, beta_end {end}), expected more than 0 and less than 1");

        var rescale = takesZeroSnr && config.Flag("rescale_betas_zero_snr", false);
        if (rescale) RescaleToZeroTerminalSnr(betas);
        AlphasCumprod = CumulativeProduct(Array.ConvertAll(betas, beta => 1 - beta));
        if (rescale && lastAlpha > 0) AlphasCumprod[^1] = lastAlpha;
    }

    /// <summary>The beta schedule's name.</summary>
    public string Kind { get; }

    /// <summary>ᾱ of every training timestep.</summary>
    public float[] AlphasCumprod { get; }

    /// <summary>The number of training timesteps.</summary>
    public int Count => AlphasCumprod.Length;

    /// <summary>σ = √((1 − ᾱ) / ᾱ) of every training timestep, rising.</summary>
    public float[] Sigmas() => Array.ConvertAll(AlphasCumprod, alpha => MathF.Sqrt((1 - alpha) / alpha));

    /// <summary>torch.linspace in single precision: the second half is counted from the end.</summary>
    public static float[] Linspace(double start, double end, int count)
    {
        float first = (float)start, last = (float)end, step = count > 1 ? (last - first) / (count - 1) : 0;
        var values = new float[count];
        for (var i = 0; i < count; i++) values[i] = i < count / 2 || count == 1 ? first + step * i : last - step * (count - 1 - i);
        return values;
    }

    static float[] Cosine(int count)
    {
        static double AlphaBar(double t)
        {
            var cosine = Math.Cos((t + 0.008) / 1.008 * Math.PI / 2);
            return cosine * cosine;
        }

        var betas = new float[count];
        for (var i = 0; i < count; i++)
            betas[i] = (float)Math.Min(1 - AlphaBar((i + 1) / (double)count) / AlphaBar(i / (double)count), 0.999);
        return betas;
    }

    // torch.cumprod keeps the running product in double and rounds what it stores.
    static float[] CumulativeProduct(float[] alphas)
    {
        var product = 1.0;
        return Array.ConvertAll(alphas, alpha => (float)(product *= alpha));
    }

    // Algorithm 1 of arXiv 2305.08891: shift √ᾱ so that the last is 0, scale so that the first stays.
    static void RescaleToZeroTerminalSnr(float[] betas)
    {
        var roots = Array.ConvertAll(CumulativeProduct(Array.ConvertAll(betas, beta => 1 - beta)), MathF.Sqrt);
        float first = roots[0], last = roots[^1], scale = first / (first - last);
        var previous = 1f;
        for (var i = 0; i < betas.Length; i++)
        {
            var root = (roots[i] - last) * scale;
            var alpha = root * root;
            betas[i] = 1 - (i == 0 ? alpha : alpha / previous);
            previous = alpha;
        }
    }
}
