namespace PeaEngine.Formats;

/// <summary>
/// Files that appear whole or not at all: written under a temporary name in the same folder, flushed to the disk, then renamed.
/// </summary>
public static class AtomicFile
{
    const int BufferBytes = 1 << 16;

    const string Prefix = ".pea-", Ending = ".tmp";

    /// <summary>What was left behind is removed when it is older than this: locks are not everywhere, and a file is written to all the time until it is flushed.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Writes a file. When <paramref name="write"/> or the disk fails, nothing is left behind and an older file of that name stays as it
    /// was. A link is followed; what is below /dev and /proc is written in place, as it is no file to be replaced. What a process that was killed left beside it is removed.
    /// </summary>
    /// <exception cref="PeaException">The file cannot be written: no such folder, no permission, no space.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        try
        {
            var target = Resolve(path);
            if (IsDevice(target))
            {
                using var device = Open(target, FileMode.Open);
                WriteTo(device, write);
                return;
            }
            RemoveStale(Path.GetDirectoryName(target)!);
            Replace(target, TemporaryBeside(target), write);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, exception);
        }
    }

    /// <summary>
    /// Refuses what <see cref="Write"/> would refuse now: asked before long work whose result is to be written. It leaves no trace.
    /// </summary>
    /// <exception cref="PeaException">The file cannot be written: no such folder, no permission.</exception>
    public static void Check(string path)
    {
        try
        {
            var target = Resolve(path);
            using var probe = IsDevice(target)
                ? new FileStream(target, FileMode.Open, FileAccess.Write)
                : new FileStream(TemporaryBeside(target), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, exception);
        }
    }

    /// <summary>The file that is to be replaced, any link followed; its folder is there.</summary>
    static string Resolve(string path)
    {
        if (path.Length == 0 || path.Contains('\0')) throw new PeaException($"{Quoted.Of(path)}: expected the name of a file to write");
        var target = Path.GetFullPath(path);
        if (Directory.Exists(target)) throw new PeaException($"{path}: a folder, expected the name of a file to write");
        if (IsDevice(target)) return target;
        if (new FileInfo(target).LinkTarget != null) target = File.ResolveLinkTarget(target, returnFinalTarget: true)!.FullName;
        var folder = Path.GetDirectoryName(target)!;
        return Directory.Exists(folder) ? target : throw new PeaException($"{path}: no folder {folder}, expected one to write into");
    }

    static string TemporaryBeside(string target) => Path.Combine(Path.GetDirectoryName(target)!, $"{Prefix}{Guid.NewGuid():n}{Ending}");

    /// <summary>Removes temporary files that nobody writes any more: whoever does holds a lock, which ends with the process.</summary>
    static void RemoveStale(string folder) => Try(() =>
    {
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles($"{Prefix}*{Ending}"))
            if (DateTime.UtcNow - file.LastWriteTimeUtc > Patience)
                Try(() =>
                {
                    using var unlocked = Open(file.FullName, FileMode.Open);
                    file.Delete();
                });
    });

    /// <summary>Somebody writes it, or it is not this process's to clear up: then it stays.</summary>
    static void Try(Action remove)
    {
        try
        {
            remove();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
        }
    }

    static PeaException Unwritable(string path, Exception exception) =>
        new($"{path}: cannot be written: {exception.Message.ReplaceLineEndings(" ")}", exception);

    static void Replace(string target, string temporary, Action<Stream> write)
    {
        try
        {
            using var stream = Open(temporary, FileMode.CreateNew);
            WriteTo(stream, write);
            // Open, and so locked, to the end.
            File.Move(temporary, target, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    static FileStream Open(string path, FileMode mode) => new(path, mode, FileAccess.Write, OperatingSystem.IsWindows() ? FileShare.Delete : FileShare.None, BufferBytes);

    static void WriteTo(FileStream stream, Action<Stream> write)
    {
        write(stream);
        stream.Flush(flushToDisk: true);
    }

    static bool IsDevice(string path) =>
        !OperatingSystem.IsWindows()
        && (path.StartsWith("/dev/", StringComparison.Ordinal) && !path.StartsWith("/dev/shm/", StringComparison.Ordinal)
            || path.StartsWith("/proc/", StringComparison.Ordinal));
}
