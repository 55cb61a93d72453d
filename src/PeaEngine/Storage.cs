namespace PeaEngine;

/// <summary>A block of a backend's memory. Whoever asked the backend for it disposes it; the finalizer only reports the leak.</summary>
public abstract class Storage : IDisposable
{
    static long leakedBytes;

    /// <summary>A block of <paramref name="bytes"/> at <paramref name="address"/>.</summary>
    protected Storage(nint address, long bytes) => (Address, Bytes) = (address, bytes);

    /// <summary>Reports the block as leaked; it frees nothing.</summary>
    ~Storage() => Interlocked.Add(ref leakedBytes, Bytes);

    /// <summary>Bytes of blocks that were garbage collected without having been disposed. Zero in a correct program.</summary>
    public static long LeakedBytes => Interlocked.Read(ref leakedBytes);

    /// <summary>Where the block begins in its backend's address space; 0 once disposed.</summary>
    public nint Address { get; private set; }

    /// <summary>The size in bytes.</summary>
    public long Bytes { get; }

    /// <summary>Whether the address can be read by the processor.</summary>
    public abstract bool IsHost { get; }

    /// <summary>Returns the memory to the backend; a second call does nothing.</summary>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        if (Address == 0) return;
        Free();
        Address = 0;
    }

    /// <summary>Frees the block.</summary>
    protected abstract void Free();
}
