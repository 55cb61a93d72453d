using PeaEngine.Train.Config;
using PeaEngine.Train.Metrics;

namespace PeaEngine.Train.Training;

/// <summary>What a run leaves for people to look at: its log, TensorBoard's events, the curve of the loss and pictures drawn on the way.</summary>
sealed class RunReport : IDisposable
{
    readonly TrainConfig config;
    readonly RunFolder folder;
    readonly SampleGrids grids;
    readonly EventFile? events;
    MetricsLog? metrics;

    /// <summary>Opens the file of events.</summary>
    /// <param name="config">The run.</param>
    /// <param name="folder">Its files.</param>
    /// <param name="grids">Pictures on the way.</param>
    /// <param name="steps">Steps of all phases that are done.</param>
    /// <exception cref="PeaException">It cannot be written.</exception>
    public RunReport(TrainConfig config, RunFolder folder, SampleGrids grids, long steps)
    {
        (this.config, this.folder, this.grids) = (config, folder, grids);
        if (!config.TensorBoard) return;
        events = new(folder.Path);
        events.Begin(steps + 1);
    }

    /// <summary>Opens the log of a phase, without the lines of steps that were not kept.</summary>
    /// <exception cref="PeaException">It cannot be written.</exception>
    public void Begin(TrainingPhase phase)
    {
        metrics?.Dispose();
        metrics = MetricsLog.Open(folder.Log(phase.Name), phase.Done);
    }

    /// <summary>Does what is due after a step, but for what was done before: its line in the log with the validation loss, the plot, a grid of pictures.</summary>
    /// <param name="phase">The phase, which has just begun where it is or has made a step.</param>
    /// <param name="steps">Steps of all phases.</param>
    /// <param name="numbers">Of the phase's last step.</param>
    /// <param name="cancellation">Ends it; what was not done is due again where the run goes on.</param>
    /// <returns>The grid's file, or null.</returns>
    public string? After(TrainingPhase phase, long steps, Metric[] numbers, CancellationToken cancellation)
    {
        if (metrics!.Last < phase.Done)
        {
            Metric[] line = [.. numbers, .. phase.Validate(cancellation)];
            metrics.Write(phase.Done, line);
            // The losses of another phase than distillation are no part of its curves.
            events?.Scalars(steps, phase is DistillationPhase ? line : Array.ConvertAll(line, metric => metric with { Name = $"{phase.Name}/{metric.Name}" }));
        }
        if (steps % config.CheckpointEvery == 0) Plot();
        if (!phase.Draws || !grids.IsDue(phase.Done)) return null;
        var picture = grids.Draw(phase.Done, cancellation);
        events?.Image(steps, "samples", picture);
        return folder.SamplesOf(phase.Done);
    }

    /// <summary>Draws the curve of the phase's loss.</summary>
    public void Plot() => LossPlot.Draw("loss", metrics!.Read("loss"), metrics.Read(Validation.LossName)).Save(folder.Plot);

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        metrics?.Dispose();
        events?.Dispose();
    }
}
