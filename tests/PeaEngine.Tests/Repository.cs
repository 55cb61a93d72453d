namespace PeaEngine.Tests;

/// <summary>Where the tests' files are.</summary>
static class Repository
{
    /// <summary>The folder of PeaEngine.sln.</summary>
    public static string Root { get; } = FindRoot();

    static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder != null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "PeaEngine.sln"))) return folder.FullName;
        throw new DirectoryNotFoundException($"no PeaEngine.sln above {AppContext.BaseDirectory}");
    }
}
