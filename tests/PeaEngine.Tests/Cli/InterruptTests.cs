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
        using var process = Interruptible.Start(Path.Combine(AppContext.BaseDirectory, "pea"), "sample", "a cat", "--model", SmallPipeline.Sdxl, "--steps", "1000", "--width", "512", "--height", "512", "--output", folder.At("a.png"));

        Assert.StartsWith("step 1/1000,", process.StandardError.ReadLine(), StringComparison.Ordinal);
        Interruptible.Signal(process.Id, "INT");
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();

        Assert.Equal(ExitCode.Cancelled, process.ExitCode);
        Assert.EndsWith("pea: cancelled\n", error, StringComparison.Ordinal);
        Assert.Empty(folder.Files());
    }

    /// <summary>Whatever the process does after the first one, it does not wait for it.</summary>
    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public void ASecondSignalEndsItAtOnce(string signal, int code)
    {
        if (OperatingSystem.IsWindows()) return;
        using var process = Interruptible.Start(HelperProgram.CommandLine(nameof(InterruptTests)));
        Assert.Equal("working", process.StandardOutput.ReadLine());
        Interruptible.Signal(process.Id, signal);
        Assert.Equal("asked to stop", process.StandardOutput.ReadLine());
        Assert.False(process.WaitForExit(100));
        Interruptible.Signal(process.Id, signal);
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(1)));
        Assert.Equal(code, process.ExitCode);
    }

    /// <summary>Works on, though it was asked to stop.</summary>
    internal static void NeverListen()
    {
        using var interrupt = new Interrupt();
        interrupt.Token.Register(() => Say("asked to stop"));
        Say("working");
        Thread.Sleep(Timeout.Infinite);

        static void Say(string text)
        {
            Console.Out.WriteLine(text);
            Console.Out.Flush();
        }
    }
}
