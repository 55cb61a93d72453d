namespace PeaEngine.Cuda;

/// <summary>Something that was made on a device and must be destroyed there, by whoever made it or at last with its context.</summary>
public abstract class CudaResource : IDisposable
{
    private protected CudaResource(CudaContext context) => (Context, Place) = (context, new(this));

    /// <summary>Whose it is.</summary>
    public CudaContext Context { get; }

    internal LinkedListNode<CudaResource> Place { get; }

    /// <summary>Destroys it; a second call does nothing.</summary>
    public void Dispose()
    {
        if (!Context.Remove(this)) return;
        Context.BindToDestroy();
        Destroy();
        GC.SuppressFinalize(this);
    }

    /// <summary>The last thing that a constructor does: from here on the context owns it.</summary>
    private protected void Own() => Context.Add(this);

    /// <summary>Destroys it. What the driver answers is not looked at: after a lost device it is always an error, and nothing is to be done.</summary>
    private protected abstract void Destroy();
}
