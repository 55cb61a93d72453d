namespace PeaEngine.Perf.Models;

/// <summary>An empty folder that goes away with its files.</summary>
sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("pea-perf-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
