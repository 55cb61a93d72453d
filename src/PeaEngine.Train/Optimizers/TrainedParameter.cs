namespace PeaEngine.Train.Optimizers;

/// <summary>What an optimiser moves.</summary>
/// <param name="Name">Its key in checkpoints.</param>
/// <param name="Value">F32, any shape.</param>
/// <param name="Gradient">F32, as many elements: backward passes add to it.</param>
public readonly record struct TrainedParameter(string Name, Tensor Value, Tensor Gradient);
