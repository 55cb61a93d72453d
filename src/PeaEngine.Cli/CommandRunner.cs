using System.CommandLine;
using PeaEngine.Cli.Commands;
using PeaEngine.Diffusion;

namespace PeaEngine.Cli;

/// <summary>Parses, runs, and turns every end into one line and an exit code.</summary>
static class CommandRunner
{
    /// <summary>Runs the command line and gives its exit code.</summary>
    /// <param name="arguments">Without the program's name.</param>
    /// <param name="output">Results.</param>
    /// <param name="error">Errors and progress.</param>
    public static int Run(IReadOnlyList<string> arguments, TextWriter output, TextWriter error)
    {
        var root = new RootCommand("PeaEngine: draws with Stable Diffusion XL and its family, on this machine alone.")
        {
            SampleCommand.Create(),
            InfoCommand.Create(),
            DoctorCommand.Create(),
        };
        var parsed = root.Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            foreach (var wrong in parsed.Errors) Fail(wrong.Message);
            error.WriteLine(parsed.CommandResult.Command is RootCommand ? "Try 'pea --help'." : $"Try 'pea {parsed.CommandResult.Command.Name} --help'.");
            return ExitCode.WrongUsage;
        }
        try
        {
            return parsed.Invoke(new() { EnableDefaultExceptionHandler = false, Output = output, Error = error });
        }
        catch (OperationCanceledException)
        {
            Fail("cancelled");
            return ExitCode.Cancelled;
        }
        catch (OptionException e)
        {
            Fail(e.Message);
            return ExitCode.WrongUsage;
        }
        catch (Exception e) when (e is PeaException or IOException or UnauthorizedAccessException or OutOfMemoryException)
        {
            Fail(e.Message);
            return ExitCode.Failed;
        }

        void Fail(string message) => error.WriteLine($"pea: {message}");
    }
}
