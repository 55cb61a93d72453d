using System.CommandLine;
using System.Diagnostics;

namespace PeaEngine.Cli.Commands;

/// <summary><c>pea perf</c>: the perf suite for GPUs, which is a program of its own beside this one (perf/README.md).</summary>
static class PerfCommand
{
    const string Program = "PeaEngine.Perf", Solution = "PeaEngine.sln";

    static readonly Argument<string[]> Rest = new("arguments") { Description = "What the suite is given; 'pea perf --usage' tells.", Arity = ArgumentArity.ZeroOrMore };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command("perf", "Times kernels and models on a GPU; where there is none, tells what the compiled kernels will cost.") { Rest };
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(parsed =>
        {
            var start = new ProcessStartInfo(Find(), ["gpu", .. parsed.GetValue(Rest) ?? [], .. parsed.UnmatchedTokens]) { RedirectStandardOutput = true, RedirectStandardError = true };
            using var process = Process.Start(start)!;
            var (output, error) = (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
            process.ErrorDataReceived += (_, line) => Write(error, line.Data);
            process.BeginErrorReadLine();
            while (process.StandardOutput.ReadLine() is { } line) output.WriteLine(line);
            process.WaitForExit();
            return process.ExitCode;
        });
        return command;
    }

    static void Write(TextWriter writer, string? line)
    {
        if (line != null) writer.WriteLine(line);
    }

    /// <summary>Beside this program, or built in the repository that it lies in.</summary>
    static string Find()
    {
        var file = OperatingSystem.IsWindows() ? Program + ".exe" : Program;
        List<string> places = [Path.Combine(AppContext.BaseDirectory, file)];
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder != null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, Solution))) places.Add(Path.Combine(folder.FullName, "perf", Program, "bin", "Release", "net10.0", file));
        return places.Find(File.Exists) ?? throw new PeaException($"perf: no {string.Join(" and no ", places)}, expected one of them: 'dotnet build perf/{Program} -c Release' makes it");
    }
}
