namespace PeaEngine.Train.Distillation;

/// <summary>A pass of a kind, from the noise to the gradients and perhaps the optimiser's step, which a backend may remember and do without being told again. Its inputs lie at the same addresses each time.</summary>
sealed class RecordedPass : IDisposable
{
    readonly Recording recording;
    (Pass Pass, DistillationInputs Inputs) current;

    /// <summary>A pass that has not been made yet.</summary>
    /// <param name="backend">Where it is made.</param>
    /// <param name="compute">Ops alone.</param>
    public RecordedPass(Backend backend, Action<Pass, DistillationInputs> compute) => recording = backend.Record(() => compute(current.Pass, current.Inputs));

    /// <summary>Makes it.</summary>
    /// <param name="pass">In the memory that it has each time, as much of it in use as each time.</param>
    /// <param name="inputs">Uploaded.</param>
    public void Run(Pass pass, DistillationInputs inputs)
    {
        current = (pass, inputs);
        recording.Run();
    }

    /// <summary>Forgets it.</summary>
    public void Dispose() => recording.Dispose();
}
