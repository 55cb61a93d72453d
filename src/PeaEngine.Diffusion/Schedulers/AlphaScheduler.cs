namespace PeaEngine.Diffusion.Schedulers;

/// <summary>The samplers that reckon with ᾱ of whole training timesteps and the unscaled sample √ᾱ·x₀ + √(1 − ᾱ)·ε.</summary>
public abstract class AlphaScheduler : Scheduler
{
    private protected AlphaScheduler(SchedulerConfig config, NoiseSchedule training) : base(config, training) { }

    /// <summary>ᾱ before the first training timestep, where a class has <c>set_alpha_to_one</c>.</summary>
    private protected double FinalAlphaCumprod { get; init; } = 1;

    /// <summary>Reads <c>set_alpha_to_one</c>.</summary>
    private protected static double ReadFinalAlpha(SchedulerConfig config, NoiseSchedule training, bool toOne) =>
        config.Flag("set_alpha_to_one", toOne) ? 1 : training.AlphasCumprod[0];

    /// <summary>ᾱ of a training timestep; one below zero counts from the end, as an index into a tensor does.</summary>
    private protected double AlphaCumprod(int timestep)
    {
        var index = timestep < 0 ? timestep + Training.Count : timestep;
        if ((uint)index >= (uint)Training.Count)
            throw new PeaException($"{ClassName}: timestep {timestep} of {Training.Count}: steps_offset is too large for the number of steps");
        return Training.AlphasCumprod[index];
    }

    /// <summary>ᾱ of the timestep that a step ends at; below zero it is the final one.</summary>
    private protected double PreviousAlphaCumprod(int timestep) => timestep >= 0 ? AlphaCumprod(timestep) : FinalAlphaCumprod;

    private protected override (double OfOriginal, double OfNoise) NoiseLevel(int index)
    {
        var alpha = AlphaCumprod((int)Timesteps[index]);
        return (Math.Sqrt(alpha), Math.Sqrt(1 - alpha));
    }

    /// <summary>The spacings as whole training timesteps.</summary>
    private protected double[] SpaceTimesteps(int steps) => TimestepSpacing switch
    {
        "linspace" => Array.ConvertAll(Spacing.Linspaced(Training.Count - 1, steps), Math.Round),
        "leading" => Spacing.Leading(Training.Count / steps, steps, StepsOffset),
        _ => Spacing.Trailing(Training.Count, (double)Training.Count / steps),
    };
}
