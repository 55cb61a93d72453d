using System.Runtime.InteropServices;

namespace PeaEngine.Cli;

/// <summary>
/// Turns Ctrl-C and SIGTERM into a cancellation; a second one ends the process at once. SIGUSR1 likewise, where that has a number of its own: <c>mpirun</c> hands it on to all processes and waits for them, whereas at Ctrl-C it kills
/// them after a second and exits with 1, whatever they do.
/// </summary>
sealed class Interrupt : IDisposable
{
    /// <summary>SIGUSR1 on Linux; elsewhere the runtime may use it.</summary>
    const PosixSignal User = (PosixSignal)10;

    static readonly PosixSignal[] Signals = [PosixSignal.SIGINT, PosixSignal.SIGTERM, .. OperatingSystem.IsLinux() ? [User] : (PosixSignal[])[]];

    readonly CancellationTokenSource source = new();
    readonly PosixSignalRegistration[] registrations;

    /// <summary>Listens until disposed.</summary>
    public Interrupt() => registrations = Array.ConvertAll(Signals, signal => PosixSignalRegistration.Create(signal, Cancel));

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => source.Token;

    public void Dispose()
    {
        foreach (var registration in registrations) registration.Dispose();
        source.Dispose();
    }

    void Cancel(PosixSignalContext context)
    {
        context.Cancel = !source.IsCancellationRequested;
        source.Cancel();
    }
}
