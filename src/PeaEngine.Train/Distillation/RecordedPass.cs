namespace PeaEngine.Train.Distillation;

/// <summary>
/// A pass of a kind, from the noise to the gradients and perhaps the optimiser's step, which a backend may remember and do without being told again: in one part, or in several between which the host has its say.
/// Its inputs lie at the same addresses each time.
/// </summary>
sealed class RecordedPass : IDisposable
{
    readonly Recording[] parts;
    (Pass Pass, DistillationInputs Inputs) current;
    DistillationStep? step;

    /// <summary>A pass that has not been made yet.</summary>
    /// <param name="backend">Where it is made.</param>
    /// <param name="begin">Makes a step.</param>
    /// <param name="parts">Of the step, each ops alone.</param>
    public RecordedPass(Backend backend, Func<Pass, DistillationInputs, DistillationStep> begin, params IReadOnlyList<Action<DistillationStep>> parts) =>
        this.parts = [.. parts.Select((part, i) => backend.Record(() =>
        {
            if (i == 0) step = begin(current.Pass, current.Inputs);
            part(step!);
        }))];

    /// <summary>Makes the first part.</summary>
    /// <param name="pass">In the memory that it has each time, as much of it in use as each time.</param>
    /// <param name="inputs">Uploaded.</param>
    /// <returns>The step as it was made last, whose tensors are this one's.</returns>
    public DistillationStep Begin(Pass pass, DistillationInputs inputs)
    {
        current = (pass, inputs);
        parts[0].Run();
        return step!;
    }

    /// <summary>Makes the parts behind the first. All parts are made equally often, so that each finds the memory as the one before left it.</summary>
    public void End()
    {
        for (var i = 1; i < parts.Length; i++) parts[i].Run();
    }

    /// <summary>Forgets it.</summary>
    public void Dispose()
    {
        foreach (var part in parts) part.Dispose();
    }
}
