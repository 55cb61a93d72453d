using System.Runtime.InteropServices;

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
        NativeMemory.AlignedFree(block);
        block = null;
        capacity = 0;
        block = NativeMemory.AlignedAlloc((nuint)bytes, 4096);
        capacity = bytes;
        return block;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(block);
        block = null;
        capacity = 0;
    }
}
