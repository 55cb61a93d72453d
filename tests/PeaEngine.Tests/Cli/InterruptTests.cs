using System.Diagnostics;
using PeaEngine.Cli;
using PeaEngine.Tests.Pipelines;

namespace PeaEngine.Tests.Cli;

/// <summary>Ctrl-C, in a process of its own.</summary>
public sealed class InterruptTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void AnInterruptEndsWithCode130AndWritesNothing()
    {
        if (OperatingSystem.IsWindows()) return;
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "pea")) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var argument in new[] { "sample", "a cat", "--model", SmallPipeline.Sdxl, "--steps", "1000", "--width", "512", "--height", "512", "--output", folder.At("a.png") }) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;

        Assert.StartsWith("step 1/1000,", process.StandardError.ReadLine(), StringComparison.Ordinal);
        using (var kill = Process.Start("kill", ["-INT", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)])) kill.WaitForExit();
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();

        Assert.Equal(ExitCode.Cancelled, process.ExitCode);
        Assert.EndsWith("pea: cancelled\n", error, StringComparison.Ordinal);
        Assert.Empty(folder.Files());
    }
}
