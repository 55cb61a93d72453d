using System.CommandLine;
using PeaEngine.Backends;
using PeaEngine.Cli.Commands;

namespace PeaEngine.Cli;

/// <summary>Parses, runs, and turns every end into one line and an exit code.</summary>
static class CommandRunner
{
    /// <summary>Runs the command line and gives its exit code.</summary>
    /// <param name="arguments">Without the program's name.</param>
    /// <param name="output">Results.</param>
    /// <param name="error">Errors and progress.</param>
    /// <param name="gpus">Where GPUs are opened; by default this machine's.</param>
    public static int Run(IReadOnlyList<string> arguments, TextWriter output, TextWriter error, CudaDevices? gpus = null)
    {
        var root = new RootCommand("PeaEngine: draws with Stable Diffusion XL and its family, on this machine alone.")
        {
            SampleCommand.Create(),
            TrainCommand.Create(),
            EvalCommand.Create(),
            ConvertCommand.Create(),
            CacheCommand.Create(),
            InfoCommand.Create(),
            DoctorCommand.Create(),
            PerfCommand.Create(),
        };
        var parsed = root.Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            var command = parsed.CommandResult.Command is RootCommand ? "pea" : $"pea {parsed.CommandResult.Command.Name}";
            // One line is enough. What nobody knows is the cause of what else is wrong.
            var message = parsed.UnmatchedTokens is [var unknown, ..] ? $"'{unknown}' is not known here" : parsed.Errors[0].Message.TrimEnd('.');
            Fail($"{message} (see '{command} --help')");
            return ExitCode.WrongUsage;
        }
        try
        {
            return parsed.Invoke(new Invocation(gpus ?? CudaDevices.Machine) { EnableDefaultExceptionHandler = false, Output = output, Error = error });
        }
        catch (Exception e)
        {
            var (message, exitCode) = Explain(e);
            Fail(message);
            return exitCode;
        }

        void Fail(string message) => error.WriteLine($"pea: {message.ReplaceLineEndings(" ")}");
    }

    /// <summary>What is said of an exception, and what the process tells its caller.</summary>
    public static (string Message, int ExitCode) Explain(Exception exception) => exception switch
    {
        OperationCanceledException => ("cancelled", ExitCode.Cancelled),
        OptionException => (exception.Message, ExitCode.WrongUsage),
        PeaException or IOException or UnauthorizedAccessException or OutOfMemoryException => (exception.Message, ExitCode.Failed),
        // A defect of the engine; what it was drawing is lost, but not with a crash dump.
        _ => ($"internal error: {exception.GetType().Name}: {exception.Message}{exception.StackTrace?.Split('\n')[0]}", ExitCode.Failed),
    };
}
