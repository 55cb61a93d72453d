namespace PeaEngine.Backends;

/// <summary>One thread's memory for packed panels and partial results. It grows when an op first asks for more and is then kept.</summary>
sealed unsafe class CpuWorkspace : IDisposable
{
    void* block;
    long capacity;

    /// <summary>At least <paramref name="bytes"/>, aligned to a page, valid until the next call. Contents undefined.</summary>
    public void* Get(long bytes)
    {
        if (bytes <= capacity) return block;
        Dispose();
        block = HostMemory.Allocate(bytes);
        capacity = bytes;
        return block;
    }

    public void Dispose()
    {
        HostMemory.Free(block);
        block = null;
        capacity = 0;
    }
}
