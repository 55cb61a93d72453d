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
        try
        {
            var target = Resolve(path);
            if (IsDevice(target)) WriteTo(target, FileMode.Open, write);
            else Replace(target, TemporaryBeside(target), write);
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

    static string TemporaryBeside(string target) => Path.Combine(Path.GetDirectoryName(target)!, $".pea-{Guid.NewGuid():n}.tmp");

    static PeaException Unwritable(string path, Exception exception) =>
        new($"{path}: cannot be written: {exception.Message.ReplaceLineEndings(" ")}", exception);

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
