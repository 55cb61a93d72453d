namespace PeaEngine.Train.Optimizers;

/// <summary>How the learning rate falls after the warm-up; diffusers' names.</summary>
public enum LearningRateSchedule
{
    /// <summary>It stays.</summary>
    Constant,

    /// <summary>By a power of what is left of the run; power 1 is a straight line.</summary>
    Polynomial,

    /// <summary>By half a cosine.</summary>
    Cosine,
}

/// <summary>The learning rate of every step: a warm-up from 0 in a straight line, then a schedule down to an end.</summary>
/// <param name="Schedule">How it falls.</param>
/// <param name="Initial">The rate at the end of the warm-up.</param>
/// <param name="End">The rate at the end of the run, and after it; the constant schedule has none.</param>
/// <param name="Power">The polynomial's power.</param>
/// <param name="WarmupSteps">Steps of the warm-up; the first has rate 0.</param>
/// <param name="Steps">Steps of the run, the warm-up's among them.</param>
public sealed record LearningRate(LearningRateSchedule Schedule, double Initial, double End, double Power, int WarmupSteps, int Steps)
{
    /// <summary>The rate of step <paramref name="step"/>, counted from 0.</summary>
    public double At(long step)
    {
        if (step < WarmupSteps) return Initial * step / WarmupSteps;
        var left = step >= Steps ? 0 : 1 - (double)(step - WarmupSteps) / (Steps - WarmupSteps);
        return Schedule switch
        {
            LearningRateSchedule.Constant => Initial,
            LearningRateSchedule.Polynomial => End + (Initial - End) * Math.Pow(left, Power),
            LearningRateSchedule.Cosine => End + (Initial - End) * (1 - Math.Cos(Math.PI * left)) / 2,
            _ => throw new PeaException($"learning rate: schedule {Schedule}, expected constant, polynomial or cosine"),
        };
    }
}
