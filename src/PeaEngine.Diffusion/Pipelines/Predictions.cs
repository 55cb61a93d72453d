namespace PeaEngine.Diffusion.Pipelines;

/// <summary>The model's work in a step, recorded once for each set of ControlNets that are on together.</summary>
/// <param name="backend">Where it runs.</param>
/// <param name="window">The steps.</param>
/// <param name="control">The ControlNets, if there are any.</param>
/// <param name="predict">The work of a step.</param>
sealed class Predictions(Backend backend, StepWindow window, ControlBranch? control, Action<int> predict) : IDisposable
{
    /// <summary>By the first step with the same ControlNets.</summary>
    readonly Recording?[] recordings = new Recording?[window.End - window.First];

    /// <summary>The work of a step.</summary>
    public Recording At(int index)
    {
        var alike = window.First;
        while (control?.IsAlike(alike, index) == false) alike++;
        return recordings[alike - window.First] ??= Record(alike);
    }

    /// <summary>Forgets all.</summary>
    public void Dispose()
    {
        foreach (var recording in recordings) recording?.Dispose();
    }

    Recording Record(int index) => backend.Record(() => predict(index));
}
