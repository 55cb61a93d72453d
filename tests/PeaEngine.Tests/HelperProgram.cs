using System.Diagnostics;
using PeaEngine.Tests.Cli;
using PeaEngine.Tests.Train;

namespace PeaEngine.Tests;

/// <summary>What this assembly does as a program of its own: work that a test kills or interrupts.</summary>
static class HelperProgram
{
    static void Main(string[] arguments)
    {
        if (arguments is [nameof(CheckpointKillTests), var folder]) CheckpointKillTests.SaveForEver(folder);
        else if (arguments is [nameof(InterruptTests)]) InterruptTests.NeverListen();
        else Console.Error.WriteLine("these are tests: dotnet test runs them");
    }

    /// <summary>Starts it, with what it writes at hand.</summary>
    public static Process Start(params string[] arguments) =>
        Process.Start(new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [typeof(HelperProgram).Assembly.Location, .. arguments]) { RedirectStandardOutput = true })!;
}
