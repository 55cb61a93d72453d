namespace PeaEngine.Train;

/// <summary>How far a training run is.</summary>
/// <param name="Phase">What is being done, such as <c>step</c> or <c>warm start</c>.</param>
/// <param name="Step">Steps that were done, those before a run that this one goes on from among them.</param>
/// <param name="Total">Steps of the run.</param>
/// <param name="Done">Steps that this process did.</param>
/// <param name="Samples">Samples of a step.</param>
/// <param name="Loss">The last step's loss.</param>
/// <param name="Elapsed">Time of the steps that this process did.</param>
/// <param name="Written">A file that was written after the step, besides log and checkpoints; null: none.</param>
public readonly record struct TrainingProgress(string Phase, int Step, int Total, int Done, int Samples, double Loss, TimeSpan Elapsed, string? Written = null)
{
    /// <summary>Samples in a second, over all steps of this process.</summary>
    public double SamplesPerSecond => Elapsed > TimeSpan.Zero ? (double)Done * Samples / Elapsed.TotalSeconds : 0;

    /// <summary>The time that the steps left will take at this speed; zero before the first.</summary>
    public TimeSpan Left => Done > 0 ? Elapsed / Done * (Total - Step) : TimeSpan.Zero;
}
