using System.Globalization;
using Spectre.Console;

namespace PeaEngine.Cli;

/// <summary>How far something is.</summary>
/// <param name="Done">Steps so far; 0 when it begins.</param>
/// <param name="Total">All steps.</param>
/// <param name="Elapsed">The time since it began.</param>
/// <param name="Text">What is shown.</param>
/// <param name="Left">The time left, for plain lines; the bar has its own. Null: nothing is said.</param>
/// <param name="Line">A line of its own that stays. Null: none.</param>
readonly record struct ProgressState(int Done, int Total, TimeSpan Elapsed, string Text, TimeSpan? Left = null, string? Line = null);

/// <summary>Shows progress on standard error: a bar on a terminal, plain lines where it is redirected.</summary>
static class ProgressDisplay
{
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>Runs something that says how far it is.</summary>
    /// <param name="error">Standard error.</param>
    /// <param name="beginning">What is shown before it says so.</param>
    /// <param name="state">What a report means.</param>
    /// <param name="run">Is given what takes the reports, on the caller's thread.</param>
    public static T Watch<T, TReport>(TextWriter error, string beginning, Func<TReport, ProgressState> state, Func<IProgress<TReport>, T> run)
    {
        if (Console.IsErrorRedirected)
        {
            var next = Interval;
            return run(new Synchronous<TReport>(report =>
            {
                // A line after the first step, one every few seconds, and one at the end.
                var now = state(report);
                if (now.Line != null) error.WriteLine(now.Line);
                if (now.Done == 0 || (now.Done > 1 && now.Done < now.Total && now.Elapsed < next)) return;
                next = now.Elapsed + Interval;
                error.WriteLine(now.Left is { } left ? string.Create(CultureInfo.InvariantCulture, $"{now.Text}, {left:d\\.hh\\:mm\\:ss} left") : now.Text);
            }));
        }
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error) });
        return console.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                var task = context.AddTask(beginning);
                return run(new Synchronous<TReport>(report =>
                {
                    var now = state(report);
                    if (now.Line != null) console.WriteLine(now.Line);
                    (task.MaxValue, task.Value, task.Description) = (now.Total, now.Done, now.Text);
                }));
            });
    }

    /// <summary>At once and on the caller's thread, unlike <see cref="Progress{T}"/>.</summary>
    sealed class Synchronous<TReport>(Action<TReport> handle) : IProgress<TReport>
    {
        public void Report(TReport value) => handle(value);
    }
}
