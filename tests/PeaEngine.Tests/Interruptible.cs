using System.Diagnostics;
using System.Globalization;

namespace PeaEngine.Tests;

/// <summary>Starts what is to be interrupted, and interrupts it: where the tests run in the background of a script they ignore interrupts, and so would what they start.</summary>
static class Interruptible
{
    /// <summary>A process that an interrupt ends, with what it writes at hand.</summary>
    public static Process Start(params string[] command)
    {
        if (OperatingSystem.IsLinux()) command = ["env", "--default-signal=INT", .. command];
        return Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
    }

    /// <summary>Sends a signal by its name, such as INT, to a process.</summary>
    public static void Signal(int process, string name)
    {
        using var kill = Process.Start("kill", ["-" + name, process.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }
}
