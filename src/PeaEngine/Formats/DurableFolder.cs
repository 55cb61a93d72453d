using System.Runtime.InteropServices;

namespace PeaEngine.Formats;

/// <summary>Makes the names in a folder as durable as the files: after a loss of power, what was renamed before is there.</summary>
public static partial class DurableFolder
{
    const int ReadOnly = 0;

    /// <summary>Flushes a folder's entries to the disk; on Windows, whose file systems journal them, nothing is done.</summary>
    /// <exception cref="IOException">The folder cannot be opened, or the disk fails.</exception>
    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows()) return;
        var descriptor = Open(folder, ReadOnly);
        if (descriptor < 0) throw Failed();
        try
        {
            if (Synchronize(descriptor) != 0) throw Failed();
        }
        finally
        {
            _ = Close(descriptor);
        }

        IOException Failed() => new($"{folder}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Synchronize(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
