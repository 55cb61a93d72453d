using System.Diagnostics;
using System.Runtime.InteropServices;

namespace PeaEngine.Perf;

/// <summary>Where and what was measured.</summary>
static class Machine
{
    /// <summary>The folder of PeaEngine.sln, or the working directory.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The processor's own name for itself.</summary>
    public static string Cpu { get; } = FindCpu();

    /// <summary>The commit, with <c>+changes</c> where the working tree differs from it.</summary>
    public static string Commit { get; } = Git("describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=+changes");

    /// <summary>A name as a part of a file's.</summary>
    public static string Slug(string name) => string.Join('-', name.ToLowerInvariant().Split([.. name.ToLowerInvariant().Where(c => !char.IsAsciiLetterOrDigit(c)).Distinct()], StringSplitOptions.RemoveEmptyEntries));

    static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder != null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "PeaEngine.sln"))) return folder.FullName;
        return Directory.GetCurrentDirectory();
    }

    static string FindCpu()
    {
        const string File = "/proc/cpuinfo", Key = "model name";
        var line = System.IO.File.Exists(File) ? System.IO.File.ReadLines(File).FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal)) : null;
        return line == null ? RuntimeInformation.ProcessArchitecture.ToString() : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }

    static string Git(params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("git", ["-C", Root, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var text = process.StandardOutput.ReadToEnd().Trim();
            process.WaitForExit();
            return process.ExitCode == 0 ? text : "unknown";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "unknown";
        }
    }
}
