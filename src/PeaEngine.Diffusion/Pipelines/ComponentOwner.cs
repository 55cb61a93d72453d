namespace PeaEngine.Diffusion.Pipelines;

/// <summary>The loaded parts of a pipeline, freed together, the last first: also when a later part fails to load. Any thread may add one.</summary>
sealed class ComponentOwner : IDisposable
{
    readonly Stack<IDisposable> components = new();

    /// <summary>Takes a part over.</summary>
    public T Own<T>(T component) where T : IDisposable
    {
        lock (components) components.Push(component);
        return component;
    }

    public void Dispose()
    {
        while (components.TryPop(out var component)) component.Dispose();
    }
}
