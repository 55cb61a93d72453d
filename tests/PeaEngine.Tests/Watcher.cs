namespace PeaEngine.Tests;

/// <summary>Progress, at once and on the caller's thread.</summary>
sealed class Watcher<T>(Action<T> handle) : IProgress<T>
{
    public void Report(T value) => handle(value);
}
