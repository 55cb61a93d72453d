namespace PeaEngine.Diffusion.Schedulers;

/// <summary>What diffusers' classes take where a configuration does not say, as far as it differs between them.</summary>
/// <param name="BetaStart"><c>beta_start</c></param>
/// <param name="BetaEnd"><c>beta_end</c></param>
/// <param name="BetaSchedule"><c>beta_schedule</c></param>
/// <param name="TimestepSpacing"><c>timestep_spacing</c></param>
sealed record SchedulerDefaults(double BetaStart, double BetaEnd, string BetaSchedule, string TimestepSpacing)
{
    static readonly SchedulerDefaults Ddpm = new(0.0001, 0.02, "linear", "leading");
    static readonly SchedulerDefaults Distilled = new(0.00085, 0.012, "scaled_linear", "leading");
    static readonly SchedulerDefaults Solver = new(0.0001, 0.02, "linear", "linspace");
    static readonly SchedulerDefaults Second = new(0.00085, 0.012, "linear", "linspace");

    /// <summary>Every class that is implemented.</summary>
    public static IReadOnlyList<string> ClassNames { get; } =
    [
        "DDIMScheduler", "DDPMScheduler", "DEISMultistepScheduler", "DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler",
        "EulerAncestralDiscreteScheduler", "EulerDiscreteScheduler", "HeunDiscreteScheduler", "KDPM2AncestralDiscreteScheduler",
        "KDPM2DiscreteScheduler", "LCMScheduler", "LMSDiscreteScheduler", "PNDMScheduler", "TCDScheduler", "UniPCMultistepScheduler",
    ];

    /// <summary>A class's defaults, or null where it is not implemented.</summary>
    public static SchedulerDefaults? Of(string className) => !ClassNames.Contains(className) ? null : className switch
    {
        "DDIMScheduler" or "DDPMScheduler" or "PNDMScheduler" => Ddpm,
        "LCMScheduler" or "TCDScheduler" => Distilled,
        "HeunDiscreteScheduler" or "KDPM2DiscreteScheduler" or "KDPM2AncestralDiscreteScheduler" => Second,
        _ => Solver,
    };
}
