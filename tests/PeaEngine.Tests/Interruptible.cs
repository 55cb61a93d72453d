using System.Diagnostics;

namespace PeaEngine.Tests;

/// <summary>Starts what is to be interrupted: where the tests run in the background of a script they ignore interrupts, and so would what they start.</summary>
static class Interruptible
{
    /// <summary>A process that an interrupt ends, with what it writes at hand.</summary>
    public static Process Start(params string[] command)
    {
        if (OperatingSystem.IsLinux()) command = ["env", "--default-signal=INT", .. command];
        return Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
    }
}
