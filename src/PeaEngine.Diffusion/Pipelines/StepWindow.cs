using PeaEngine.Diffusion.Schedulers;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>Which of a scheduler's timesteps a model runs.</summary>
/// <param name="First">The first of them.</param>
/// <param name="End">The first that it leaves out.</param>
readonly record struct StepWindow(int First, int End)
{
    /// <summary>How many there are.</summary>
    public int Count => End - First;

    /// <summary>Whether a timestep is among them.</summary>
    public bool Contains(int index) => index >= First && index < End;

    /// <summary>All steps that the plan's strength leaves.</summary>
    public static StepWindow Of(Scheduler scheduler, GenerationPlan plan) => new(plan.FirstStep * scheduler.Order, scheduler.Timesteps.Count);

    /// <summary>diffusers' <c>denoising_end</c>: this part of the training's timesteps is done and the rest is left to a refiner.</summary>
    public StepWindow EndingAt(Scheduler scheduler, double denoisingEnd)
    {
        var end = First;
        var cutoff = Cutoff(scheduler, denoisingEnd);
        for (var i = First; i < End; i++)
            if (scheduler.Timesteps[i] >= cutoff) end++;
        return this with { End = end };
    }

    /// <summary>diffusers' <c>denoising_start</c>: the timesteps that <see cref="EndingAt"/> left.</summary>
    public static StepWindow StartingAt(Scheduler scheduler, double denoisingStart)
    {
        var cutoff = Cutoff(scheduler, denoisingStart);
        var count = scheduler.Timesteps.Count(timestep => timestep < cutoff);
        // A method of two evaluations begins with both of them.
        if (scheduler.Order == 2 && count % 2 == 0) count++;
        return new(Math.Max(scheduler.Timesteps.Count - count, 0), scheduler.Timesteps.Count);
    }

    static double Cutoff(Scheduler scheduler, double part) => Math.Round(scheduler.TrainTimesteps - part * scheduler.TrainTimesteps);
}
