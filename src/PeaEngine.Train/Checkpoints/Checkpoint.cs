namespace PeaEngine.Train.Checkpoints;

/// <summary>A whole checkpoint.</summary>
/// <param name="Step">Optimiser steps that were done.</param>
/// <param name="Folder">Where its files are.</param>
public sealed record Checkpoint(long Step, string Folder)
{
    /// <summary>The path of one of its files.</summary>
    public string At(string file) => Path.Combine(Folder, file);
}
