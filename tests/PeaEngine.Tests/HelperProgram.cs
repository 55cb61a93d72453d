using System.Diagnostics;
using PeaEngine.Tests.Cli;
using PeaEngine.Tests.Train;
using PeaEngine.Tests.Train.Processes;

namespace PeaEngine.Tests;

/// <summary>What this assembly does as a program of its own: work that a test kills or interrupts, or that processes do together.</summary>
static class HelperProgram
{
    static readonly string Host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", Program = typeof(HelperProgram).Assembly.Location;

    static void Main(string[] arguments)
    {
        if (arguments is [nameof(CheckpointKillTests), var folder]) CheckpointKillTests.SaveForEver(folder);
        else if (arguments is [nameof(InterruptTests)]) InterruptTests.NeverListen();
        else if (arguments is [nameof(ProcessGroupTests), var shared]) ProcessGroupTests.SumAndAgree(shared);
        else Console.Error.WriteLine("these are tests: dotnet test runs them");
    }

    /// <summary>Starts it, with what it writes at hand.</summary>
    public static Process Start(params string[] arguments) =>
        Process.Start(new ProcessStartInfo(Host, [Program, .. arguments]) { RedirectStandardOutput = true })!;

    /// <summary>Its command line, for others to start.</summary>
    public static string[] CommandLine(params string[] arguments) => [Host, Program, .. arguments];
}
