namespace PeaEngine.Cli;

/// <summary>The model that <c>pea sample</c> draws with when none is named: the one in the repository.</summary>
static class DefaultModel
{
    static readonly string Relative = Path.Combine("samples", "emoji", "teacher");

    /// <summary>samples/emoji/teacher of the working folder, or of a folder above it or above the executable.</summary>
    /// <exception cref="PeaException">It is in none of them.</exception>
    public static string Find()
    {
        if (Directory.Exists(Relative)) return Relative;
        foreach (var start in new[] { Directory.GetCurrentDirectory(), AppContext.BaseDirectory })
            for (var folder = new DirectoryInfo(start); folder != null; folder = folder.Parent)
                if (Directory.Exists(Path.Combine(folder.FullName, Relative))) return Path.Combine(folder.FullName, Relative);
        throw new PeaException($"no {Relative} here or above; name a pipeline folder with --model");
    }
}
