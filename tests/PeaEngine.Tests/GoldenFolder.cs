namespace PeaEngine.Tests;

/// <summary>
/// The golden cases: those of <c>tests/golden</c>, or of the folder that <c>PEA_GOLDEN</c> names. There, folders and cases may be
/// absent and unknown ones are ignored; in <c>tests/golden</c> absence fails.
/// </summary>
static class GoldenFolder
{
    static readonly string? Other = Environment.GetEnvironmentVariable("PEA_GOLDEN") is { Length: > 0 } folder ? folder : null;

    /// <summary>The folder.</summary>
    public static string Root { get; } = Other ?? Path.Combine(Repository.Root, "tests", "golden");

    /// <summary>Whether what is not there passes.</summary>
    public static bool MayLack => Other != null;

    /// <summary>A path below the folder.</summary>
    public static string At(params string[] parts) => Path.Combine([Root, .. parts]);

    /// <summary>
    /// The cases of a folder as theory data: the names of its subfolders (or files, with <paramref name="files"/>) that
    /// <paramref name="accept"/> takes. One row with an empty name stands for "none there", which only another folder may have:
    /// a test returns at once when <see cref="IsAbsent"/>.
    /// </summary>
    public static TheoryData<string> Cases(string folder, Func<string, bool>? accept = null, bool files = false)
    {
        var data = new TheoryData<string>();
        var path = At(folder);
        if (Directory.Exists(path))
            foreach (var entry in (files ? Directory.EnumerateFiles(path) : Directory.EnumerateDirectories(path)).Order(StringComparer.Ordinal))
                if (accept?.Invoke(Path.GetFileName(entry)) != false) data.Add(Path.GetFileName(entry));
        if (data.Count == 0) data.Add("");
        return data;
    }

    /// <summary>Whether the row stands for "none there"; fails where absence is an error.</summary>
    public static bool IsAbsent(string name)
    {
        if (name.Length > 0) return false;
        Assert.True(MayLack, $"{Root}: a folder of golden cases is missing");
        return true;
    }
}
