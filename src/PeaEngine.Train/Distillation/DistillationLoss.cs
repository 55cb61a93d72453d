using PeaEngine.Train.Metrics;

namespace PeaEngine.Train.Distillation;

/// <summary>The parts of a step's loss, weighted as they are in the sum.</summary>
/// <param name="Diffusion">Against the noise, of samples without an English caption.</param>
/// <param name="Logits">Against the teacher's prediction.</param>
/// <param name="Features">Against the teacher's blocks.</param>
public readonly record struct DistillationLoss(double Diffusion, double Logits, double Features)
{
    /// <summary>How many parts there are.</summary>
    public const int Parts = 3;

    /// <summary>The parts in their order.</summary>
    internal static DistillationLoss Of(ReadOnlySpan<double> parts) => new(parts[0], parts[1], parts[2]);

    /// <summary>The sum.</summary>
    public double Total => Diffusion + Logits + Features;

    /// <summary>The sum under a name, then the parts under that name with theirs behind.</summary>
    internal Metric[] Metrics(string name) => [new(name, Total), new($"{name}_diffusion", Diffusion), new($"{name}_logits", Logits), new($"{name}_features", Features)];
}
