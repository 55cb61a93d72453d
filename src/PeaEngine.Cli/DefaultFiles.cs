namespace PeaEngine.Cli;

/// <summary>What commands take where nothing is named: the samples of the repository.</summary>
static class DefaultFiles
{
    /// <summary>The pipeline folder.</summary>
    /// <exception cref="PeaException">There is none.</exception>
    public static string Model() => Find("a pipeline folder with --model", "samples", "emoji", "teacher");

    /// <summary>The student's folder.</summary>
    /// <exception cref="PeaException">There is none.</exception>
    public static string Student() => Find("a text encoder's folder with --student", "samples", "emoji", "student");

    /// <summary>What adapters are compared on.</summary>
    /// <exception cref="PeaException">There is none.</exception>
    public static string Reference() => Find("a JSON file with --reference", "tests", "golden", "pipeline", "emoji", "reference_training.json");

    /// <summary>A path in the working folder, or in a folder above it or above the executable.</summary>
    static string Find(string instead, params string[] parts)
    {
        var relative = Path.Combine(parts);
        if (Path.Exists(relative)) return relative;
        foreach (var start in new[] { Directory.GetCurrentDirectory(), AppContext.BaseDirectory })
            for (var folder = new DirectoryInfo(start); folder != null; folder = folder.Parent)
                if (Path.Combine(folder.FullName, relative) is var path && Path.Exists(path)) return path;
        throw new PeaException($"no {relative} here or above; name {instead}");
    }
}
