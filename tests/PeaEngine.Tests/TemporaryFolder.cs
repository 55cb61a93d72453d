namespace PeaEngine.Tests;

/// <summary>A folder that is deleted at the end.</summary>
sealed class TemporaryFolder : IDisposable
{
    /// <summary>The folder.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("pea-test-").FullName;

    /// <summary>A file in it.</summary>
    public string At(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
