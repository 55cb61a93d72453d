using System.Globalization;
using PeaEngine.Diffusion.Pipelines;

namespace PeaEngine.Cli;

/// <summary>Shows a generation's progress on standard error.</summary>
static class SampleProgress
{
    /// <summary>Runs the generation and shows how far it is.</summary>
    public static Generation Watch(TextWriter error, Func<IProgress<GenerationProgress>, Generation> generate) =>
        ProgressDisplay.Watch(error, "reading the prompt", progress => new(progress.Step, progress.Total, progress.Elapsed, Describe(progress)), generate);

    static string Describe(GenerationProgress progress) =>
        string.Create(CultureInfo.InvariantCulture, $"step {progress.Step}/{progress.Total}, {progress.StepsPerSecond:0.00} steps/s");
}
