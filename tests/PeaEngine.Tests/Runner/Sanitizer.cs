using System.Diagnostics;

namespace PeaEngine.Tests.Runner;

/// <summary>NVIDIA's <c>compute-sanitizer</c>, which comes with the toolkit: it looks at every access of every kernel.</summary>
static class Sanitizer
{
    const string Program = "compute-sanitizer";

    /// <summary>What it looks for, in two runs: accesses that are wrong, and such to shared memory that race.</summary>
    static readonly string[] Tools = ["memcheck", "racecheck"];

    /// <summary>Runs this program under each of its tools.</summary>
    /// <param name="arguments">The program's.</param>
    /// <param name="output">Where is told what is run.</param>
    /// <returns>0, or the first exit code that is not: the tests' own, or 1 for what was found.</returns>
    /// <exception cref="PeaException">It is not on this machine.</exception>
    public static int Run(string[] arguments, TextWriter output)
    {
        var path = Find();
        foreach (var tool in Tools)
        {
            string[] command = ["--tool", tool, "--error-exitcode", "1", .. HelperProgram.CommandLine(arguments)];
            output.WriteLine($"{path} {string.Join(' ', command)}");
            using var process = Process.Start(new ProcessStartInfo(path, command))!;
            process.WaitForExit();
            if (process.ExitCode != 0) return process.ExitCode;
        }
        return 0;
    }

    static string Find()
    {
        string[] toolkits = [.. new[] { Environment.GetEnvironmentVariable("CUDA_HOME"), Environment.GetEnvironmentVariable("CUDA_PATH"), "/usr/local/cuda", "/opt/cuda" }.OfType<string>()];
        string[] folders = [.. Environment.GetEnvironmentVariable("PATH")?.Split(Path.PathSeparator) ?? [], .. toolkits.Select(toolkit => Path.Combine(toolkit, "bin")), .. toolkits.Select(toolkit => Path.Combine(toolkit, Program))];
        var file = OperatingSystem.IsWindows() ? $"{Program}.exe" : Program;
        return folders.Select(folder => Path.Combine(folder, file)).FirstOrDefault(File.Exists)
            ?? throw new PeaException($"no {Program} in PATH, CUDA_HOME, CUDA_PATH or /usr/local/cuda; it comes with the CUDA toolkit");
    }
}
