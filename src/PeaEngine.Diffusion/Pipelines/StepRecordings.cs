using PeaEngine.Diffusion.Schedulers;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>The work of a step, recorded once for each set of ControlNets that are on together and, where a backend remembers work, for each form of the scheduler's ops.</summary>
/// <param name="backend">Where it runs.</param>
/// <param name="window">The steps.</param>
/// <param name="control">The ControlNets, if there are any.</param>
/// <param name="run">The work of a step: with the scheduler's ops, or, where they cannot be remembered, the prediction alone.</param>
sealed class StepRecordings(Backend backend, StepWindow window, ControlBranch? control, Action<int> run) : IDisposable
{
    readonly List<(int Alike, StepOps.Form? Form, Recording Recording)> recordings = [];

    /// <summary>The work of a step whose ops of the scheduler are noted.</summary>
    public Recording At(int index, StepOps ops)
    {
        // The first step with the same ControlNets.
        var alike = window.First;
        while (control?.IsAlike(alike, index) == false) alike++;
        foreach (var (step, form, recording) in recordings)
            if (step == alike && (recording.Repeats || (form == null ? !ops.IsRecordable : ops.IsRecordable && ops.Are(form)))) return recording;
        return Record(alike, ops.IsRecordable ? ops.ToForm() : null);
    }

    /// <summary>Forgets all.</summary>
    public void Dispose()
    {
        foreach (var (_, _, recording) in recordings) recording.Dispose();
    }

    Recording Record(int alike, StepOps.Form? form)
    {
        var recording = backend.Record(() => run(alike));
        recordings.Add((alike, form, recording));
        return recording;
    }
}
