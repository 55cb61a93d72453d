using System.Diagnostics;
using PeaEngine.Cli;
using PeaEngine.Tests.Cli;
using PeaEngine.Tests.Cuda;
using PeaEngine.Tests.Runner;
using PeaEngine.Tests.Train;
using PeaEngine.Tests.Train.Processes;

namespace PeaEngine.Tests;

/// <summary>What this assembly does as a program of its own: tests, or work that a test kills or interrupts, or that processes do together.</summary>
static class HelperProgram
{
    static readonly string Program = typeof(HelperProgram).Assembly.Location;

    /// <summary>The published program runs itself: there may be no SDK.</summary>
    static readonly string[] Self = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == Path.GetFileNameWithoutExtension(Program)
        ? [Environment.ProcessPath!] : [Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", Program];

    static int Main(string[] arguments)
    {
        if (arguments is [nameof(CheckpointKillTests), var folder]) CheckpointKillTests.SaveForEver(folder);
        else if (arguments is [nameof(InterruptTests)]) InterruptTests.NeverListen();
        else if (arguments is [nameof(ProcessGroupTests), var shared]) ProcessGroupTests.SumAndAgree(shared);
        else if (arguments is [nameof(CudaPeerSumTests), var sums]) CudaPeerSumTests.SumByMpi(sums);
        else if (arguments is ["pea", .. var command]) return CommandRunner.Run(command, Console.Out, Console.Error, CudaTestDevice.Devices);
        else return TestProgram.Run(arguments, Console.Out, Console.Error);
        return 0;
    }

    /// <summary>Starts it, with what it writes at hand.</summary>
    public static Process Start(params string[] arguments) =>
        Process.Start(new ProcessStartInfo(Self[0], CommandLine(arguments)[1..]) { RedirectStandardOutput = true })!;

    /// <summary>Its command line, for others to start.</summary>
    public static string[] CommandLine(params string[] arguments) => [.. Self, .. arguments];
}
