namespace PeaEngine.Cuda;

/// <summary>Folders in which NVIDIA's libraries lie where the system's loader does not look: the program's own, the toolkit's, the distributions', and those of Python's packages.</summary>
static class LibraryFolders
{
    static readonly string[] ToolkitVariables = ["CUDA_HOME", "CUDA_PATH"],
        Distributions = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu/nvidia/current", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib/wsl/lib", "/run/opengl-driver/lib"];

    /// <summary>All that exist, each once, best first.</summary>
    /// <param name="variable">The value of an environment variable, or null.</param>
    public static IReadOnlyList<string> Find(Func<string, string?> variable) => [.. Candidates(variable).Where(Directory.Exists).Distinct()];

    static IEnumerable<string> Candidates(Func<string, string?> variable)
    {
        // What somebody has put beside the program is meant for it.
        yield return AppContext.BaseDirectory;
        foreach (var name in ToolkitVariables)
            if (variable(name) is { Length: > 0 } toolkit)
                foreach (var folder in InToolkit(toolkit)) yield return folder;
        foreach (var toolkit in OperatingSystem.IsWindows() ? Newest(@"C:\Program Files\NVIDIA GPU Computing Toolkit\CUDA", "v*") : ["/usr/local/cuda", "/opt/cuda", .. Newest("/usr/local", "cuda-*")])
            foreach (var folder in InToolkit(toolkit)) yield return folder;
        if (!OperatingSystem.IsWindows())
            foreach (var folder in Distributions) yield return folder;
        if (variable("CONDA_PREFIX") is { Length: > 0 } conda) yield return Path.Combine(conda, OperatingSystem.IsWindows() ? @"Library\bin" : "lib");
        foreach (var packages in Packages(variable))
            foreach (var package in Newest(Path.Combine(packages, "nvidia"), "*"))
                yield return Path.Combine(package, OperatingSystem.IsWindows() ? "bin" : "lib");
    }

    static IEnumerable<string> InToolkit(string toolkit) =>
        OperatingSystem.IsWindows() ? [Path.Combine(toolkit, @"bin\x64"), Path.Combine(toolkit, "bin")] : [Path.Combine(toolkit, "lib64"), Path.Combine(toolkit, "lib")];

    /// <summary>Where Python keeps packages: the active environment's place, the user's, the system's.</summary>
    static IEnumerable<string> Packages(Func<string, string?> variable)
    {
        if (OperatingSystem.IsWindows())
        {
            foreach (var name in new[] { "VIRTUAL_ENV", "CONDA_PREFIX" })
                if (variable(name) is { Length: > 0 } environment) yield return Path.Combine(environment, @"Lib\site-packages");
            yield break;
        }
        var roots = new[] { variable("VIRTUAL_ENV"), variable("CONDA_PREFIX"), variable("HOME") is { Length: > 0 } home ? Path.Combine(home, ".local") : null, "/usr/local", "/usr" };
        foreach (var root in roots)
            if (root is { Length: > 0 })
                foreach (var python in Newest(Path.Combine(root, "lib"), "python3*"))
                    foreach (var name in new[] { "site-packages", "dist-packages" })
                        yield return Path.Combine(python, name);
    }

    /// <summary>Folders of a folder whose names begin alike, the highest number first.</summary>
    static IEnumerable<string> Newest(string folder, string pattern) =>
        Directory.Exists(folder) ? Directory.EnumerateDirectories(folder, pattern).OrderByDescending(Version).ThenBy(path => path, StringComparer.Ordinal) : [];

    static Version Version(string path)
    {
        var name = Path.GetFileName(path);
        var number = name[(name.AsSpan().IndexOfAnyInRange('0', '9') is var at and >= 0 ? at : name.Length)..];
        return System.Version.TryParse(number.Contains('.', StringComparison.Ordinal) ? number : number + ".0", out var version) ? version : new();
    }
}
