namespace PeaEngine.Formats;

/// <summary>
/// Files that appear whole or not at all: written under a temporary name in the same folder, flushed to the disk, then renamed.
/// </summary>
public static class AtomicFile
{
    const int BufferBytes = 1 << 16;

    /// <summary>
    /// Writes a file. When <paramref name="write"/> or the disk fails, nothing is left behind and an older file of that name stays as it
    /// was. A link is followed; what is below /dev and /proc is written in place, as it is no file to be replaced.
    /// </summary>
    /// <exception cref="PeaException">The file cannot be written: no such folder, no permission, no space.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        if (path.Length == 0 || path.Contains('\0')) throw new PeaException($"{Quoted.Of(path)}: expected the name of a file to write");
        try
        {
            var target = Path.GetFullPath(path);
            if (Directory.Exists(target)) throw new PeaException($"{path}: a folder, expected the name of a file to write");
            if (IsDevice(target))
            {
                WriteTo(target, FileMode.Open, write);
                return;
            }
            if (new FileInfo(target).LinkTarget != null) target = File.ResolveLinkTarget(target, returnFinalTarget: true)!.FullName;
            var folder = Path.GetDirectoryName(target)!;
            if (!Directory.Exists(folder)) throw new PeaException($"{path}: no folder {folder}, expected one to write into");
            Replace(target, Path.Combine(folder, $".pea-{Guid.NewGuid():n}.tmp"), write);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PeaException($"{path}: cannot be written: {exception.Message.ReplaceLineEndings(" ")}", exception);
        }
    }

    static void Replace(string target, string temporary, Action<Stream> write)
    {
        try
        {
            WriteTo(temporary, FileMode.CreateNew, write);
            File.Move(temporary, target, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    static void WriteTo(string path, FileMode mode, Action<Stream> write)
    {
        using var stream = new FileStream(path, mode, FileAccess.Write, FileShare.None, BufferBytes);
        write(stream);
        stream.Flush(flushToDisk: true);
    }

    static bool IsDevice(string path) =>
        !OperatingSystem.IsWindows()
        && (path.StartsWith("/dev/", StringComparison.Ordinal) && !path.StartsWith("/dev/shm/", StringComparison.Ordinal)
            || path.StartsWith("/proc/", StringComparison.Ordinal));
}
