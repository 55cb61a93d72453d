using PeaEngine.Cuda;

namespace PeaEngine.Backends;

/// <summary>The programs of <c>kernels/</c>, which are resources of this assembly.</summary>
static class KernelSources
{
    const string Folder = "kernels/", Program = ".cu", Header = ".cuh";

    static readonly Lazy<Dictionary<string, string>> Files = new(() =>
    {
        var assembly = typeof(KernelSources).Assembly;
        return assembly.GetManifestResourceNames().Where(name => name.StartsWith(Folder, StringComparison.Ordinal)).ToDictionary(name => name[Folder.Length..], name =>
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            // What git made of the lines' ends must not be a part of a kernel's identity.
            return reader.ReadToEnd().ReplaceLineEndings("\n");
        });
    });

    /// <summary>What there is: the files' names without <c>.cu</c>, sorted.</summary>
    public static IReadOnlyList<string> Names => [.. Files.Value.Keys.Where(name => name.EndsWith(Program, StringComparison.Ordinal)).Select(name => name[..^Program.Length]).Order(StringComparer.Ordinal)];

    /// <summary>A program with all headers.</summary>
    /// <param name="name">The file's name without <c>.cu</c>.</param>
    /// <param name="options">What it is specialised by, such as <c>-DHEAD=64</c>.</param>
    public static KernelSource Get(string name, params string[] options) =>
        new(name, Files.Value[name + Program], Files.Value.Where(file => file.Key.EndsWith(Header, StringComparison.Ordinal)).ToDictionary(), options);
}
