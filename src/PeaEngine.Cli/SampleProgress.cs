using System.Globalization;
using PeaEngine.Diffusion.Pipelines;
using Spectre.Console;

namespace PeaEngine.Cli;

/// <summary>Shows a generation's progress on standard error: a bar on a terminal, plain lines where it is redirected.</summary>
static class SampleProgress
{
    /// <summary>Runs the generation and shows how far it is.</summary>
    public static Generation Watch(TextWriter error, Func<IProgress<GenerationProgress>, Generation> generate) =>
        Console.IsErrorRedirected ? generate(new PlainLines(error)) : Bar(error, generate);

    static Generation Bar(TextWriter error, Func<IProgress<GenerationProgress>, Generation> generate)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error) });
        return console.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                var task = context.AddTask("reading the prompt");
                return generate(new Synchronous(progress =>
                {
                    task.MaxValue = progress.Total;
                    task.Value = progress.Step;
                    task.Description = Describe(progress);
                }));
            });
    }

    static string Describe(GenerationProgress progress) =>
        string.Create(CultureInfo.InvariantCulture, $"step {progress.Step}/{progress.Total}, {progress.StepsPerSecond:0.00} steps/s");

    /// <summary>At once and on the caller's thread, unlike <see cref="Progress{T}"/>.</summary>
    sealed class Synchronous(Action<GenerationProgress> handle) : IProgress<GenerationProgress>
    {
        public void Report(GenerationProgress value) => handle(value);
    }

    /// <summary>A line after the first step, one every few seconds, and one at the end.</summary>
    sealed class PlainLines(TextWriter error) : IProgress<GenerationProgress>
    {
        static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
        TimeSpan next = Interval;

        public void Report(GenerationProgress value)
        {
            if (value.Step == 0 || (value.Step > 1 && value.Step < value.Total && value.Elapsed < next)) return;
            next = value.Elapsed + Interval;
            error.WriteLine(Describe(value));
        }
    }
}
