using System.Runtime.InteropServices;

namespace PeaEngine.VirtualGpu.Driver;

/// <summary>Memory of the host that copies may touch.</summary>
sealed unsafe class PinnedMemory : IDisposable
{
    readonly Dictionary<nint, long> blocks = [];

    public nint Allocate(long bytes)
    {
        var address = (nint)NativeMemory.AlignedAlloc((nuint)bytes, 64);
        blocks.Add(address, bytes);
        return address;
    }

    public bool Free(nint address)
    {
        if (!blocks.Remove(address)) return false;
        NativeMemory.AlignedFree((void*)address);
        return true;
    }

    /// <summary>Whether a range lies in one block.</summary>
    public bool Holds(nint address, long bytes)
    {
        foreach (var (start, size) in blocks)
            if (address >= start && address - start <= size - bytes) return true;
        return false;
    }

    public void Dispose()
    {
        foreach (var address in blocks.Keys) NativeMemory.AlignedFree((void*)address);
        blocks.Clear();
    }
}
