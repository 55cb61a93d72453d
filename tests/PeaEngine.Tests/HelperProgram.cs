using PeaEngine.Tests.Train;

namespace PeaEngine.Tests;

/// <summary>What this assembly does as a program of its own: work that a test kills.</summary>
static class HelperProgram
{
    static void Main(string[] arguments)
    {
        if (arguments is [nameof(CheckpointKillTests), var folder]) CheckpointKillTests.SaveForEver(folder);
        else Console.Error.WriteLine("these are tests: dotnet test runs them");
    }
}
