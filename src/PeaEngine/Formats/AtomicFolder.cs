namespace PeaEngine.Formats;

/// <summary>Folders that appear whole or not at all: filled under a temporary name beside their place, then renamed.</summary>
public static class AtomicFolder
{
    /// <summary>Makes a folder. When <paramref name="fill"/> or the disk fails, nothing is left behind.</summary>
    /// <param name="path">The folder; one that is there must be empty.</param>
    /// <param name="fill">Writes the files below the folder that it is given.</param>
    /// <exception cref="PeaException">There is something of that name, or the folder cannot be written: no folder above it, no permission, no space.</exception>
    public static void Write(string path, Action<string> fill)
    {
        Check(path);
        var target = Target(path);
        var temporary = Path.Combine(Path.GetDirectoryName(target)!, $".pea-{Guid.NewGuid():n}.tmp");
        try
        {
            Directory.CreateDirectory(temporary);
            fill(temporary);
            if (Directory.Exists(target)) Directory.Delete(target);
            Directory.Move(temporary, target);
        }
        catch (Exception exception)
        {
            if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
            if (exception is IOException or UnauthorizedAccessException)
                throw new PeaException($"{path}: cannot be written: {exception.Message.ReplaceLineEndings(" ")}", exception);
            throw;
        }
    }

    /// <summary>Refuses what <see cref="Write"/> would refuse now: asked before long work whose result is to be written.</summary>
    /// <exception cref="PeaException">There is something of that name, or no folder above it.</exception>
    public static void Check(string path)
    {
        if (path.Length == 0 || path.Contains('\0')) throw new PeaException($"{Quoted.Of(path)}: expected the name of a folder to write");
        var target = Target(path);
        if (File.Exists(target)) throw new PeaException($"{path}: a file, expected the name of a folder to write");
        if (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any()) throw new PeaException($"{path}: a folder that is not empty, expected an empty one or none");
        if (Path.GetDirectoryName(target) is not { } parent || !Directory.Exists(parent)) throw new PeaException($"{path}: no folder {Path.GetDirectoryName(target)}, expected one to write into");
    }

    static string Target(string path) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
}
