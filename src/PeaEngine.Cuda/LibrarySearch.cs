using System.Runtime.InteropServices;

namespace PeaEngine.Cuda;

/// <summary>A file that was asked for.</summary>
/// <param name="Library">What it would have been, such as <c>NVRTC</c>.</param>
/// <param name="Path">The file's path, or the name that the system's loader was given.</param>
/// <param name="Problem">Why it is not used, or null: it was loaded.</param>
public readonly record struct LibraryAttempt(string Library, string Path, string? Problem);

/// <summary>Looks for NVIDIA's libraries and remembers every attempt.</summary>
/// <param name="variable">The value of an environment variable, or null.</param>
/// <param name="load">Loads a file or a name; gives 0 and the reason where that fails.</param>
sealed class LibrarySearch(Func<string, string?> variable, Func<string, (nint Handle, string? Problem)> load)
{
    readonly List<LibraryAttempt> attempts = [];

    IReadOnlyList<string>? folders;

    /// <summary>A search on this machine.</summary>
    public LibrarySearch() : this(Environment.GetEnvironmentVariable, Load) { }

    /// <summary>All attempts so far, in order.</summary>
    public IReadOnlyList<LibraryAttempt> Attempts => attempts;

    /// <summary>
    /// Loads the newest that there is: with an environment variable, from there and nowhere else; otherwise by the system's loader, then from
    /// <see cref="LibraryFolders"/>.
    /// </summary>
    /// <param name="name">The library.</param>
    /// <param name="newest">Files of a later version of CUDA are passed over: a driver takes no code of a later major version than its own.</param>
    /// <returns>The library and its path, or null.</returns>
    public (nint Handle, string Path)? Find(LibraryName name, int newest = int.MaxValue)
    {
        if (variable(name.Variable) is { Length: > 0 } given)
        {
            if (!Directory.Exists(given)) return Try(name, given) is var handle and not 0 ? (handle, given) : null;
            foreach (var (_, file) in name.Files)
                if (TryFile(name, Path.Combine(given, file)) is var found and not 0) return (found, Path.Combine(given, file));
            return null;
        }
        folders ??= LibraryFolders.Find(variable);
        foreach (var (major, file) in name.Files)
        {
            if (major > newest) continue;
            if (Try(name, file) is var system and not 0) return (system, file);
            foreach (var folder in folders)
                if (TryFile(name, Path.Combine(folder, file)) is var found and not 0) return (found, Path.Combine(folder, file));
        }
        return null;
    }

    /// <summary>All attempts to find a library, as one line.</summary>
    public string Describe(LibraryName name) =>
        string.Join("; ", attempts.Where(attempt => attempt.Library == name.Title).Select(attempt => attempt.Problem == null ? $"{attempt.Path}: loaded" : $"{attempt.Path}: {attempt.Problem}"));

    nint TryFile(LibraryName name, string path)
    {
        if (File.Exists(path)) return Try(name, path);
        attempts.Add(new(name.Title, path, "no such file"));
        return 0;
    }

    nint Try(LibraryName name, string path)
    {
        var (handle, problem) = load(path);
        attempts.Add(new(name.Title, path, problem));
        return handle;
    }

    static (nint, string?) Load(string path)
    {
        try
        {
            return (NativeLibrary.Load(path), null);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            // The last line is the loader's own; those before it are general advice.
            var line = e.Message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)[^1];
            return (0, line.StartsWith(path + ": ", StringComparison.Ordinal) ? line[(path.Length + 2)..] : line);
        }
    }
}
