namespace PeaEngine.Diffusion.Schedulers;

/// <summary>What the model predicts: the noise, the clean sample, or v = α·ε − σ·x₀.</summary>
enum PredictionType
{
    /// <summary><c>epsilon</c></summary>
    Epsilon,
    /// <summary><c>sample</c></summary>
    Sample,
    /// <summary><c>v_prediction</c></summary>
    Velocity,
}

/// <summary>A tensor as a combination of the noisy sample and the model's output.</summary>
readonly record struct Mix(double OfSample, double OfOutput)
{
    public static Mix operator +(Mix a, Mix b) => new(a.OfSample + b.OfSample, a.OfOutput + b.OfOutput);
    public static Mix operator *(double scale, Mix mix) => new(scale * mix.OfSample, scale * mix.OfOutput);
}

/// <summary>The clean sample and the noise that a prediction implies, where the noisy sample is α·x₀ + σ·ε.</summary>
readonly record struct Prediction(Mix Original, Mix Noise)
{
    public static Prediction Of(PredictionType type, double alpha, double sigma) => type switch
    {
        PredictionType.Epsilon => new(new(1 / alpha, -sigma / alpha), new(0, 1)),
        PredictionType.Sample => new(new(0, 1), new(1 / sigma, -alpha / sigma)),
        _ => new(new(alpha, -sigma), new(sigma, alpha)),
    };

    /// <summary>Reads <c>prediction_type</c>.</summary>
    public static PredictionType TypeOf(SchedulerConfig config) =>
        config.Choice("prediction_type", "epsilon", "epsilon", "sample", "v_prediction") switch
        {
            "epsilon" => PredictionType.Epsilon,
            "sample" => PredictionType.Sample,
            _ => PredictionType.Velocity,
        };
}
