using System.Runtime.InteropServices;

namespace PeaEngine.Backends;

/// <summary>Aligned host memory. Pages that nobody touches cost nothing.</summary>
sealed unsafe class CpuStorage(long bytes) : Storage(Reserve(bytes), bytes)
{
    public override bool IsHost => true;

    protected override void Free() => NativeMemory.AlignedFree((void*)Address);

    static nint Reserve(long bytes)
    {
        try
        {
            return (nint)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), Arena.AlignmentBytes);
        }
        catch (OutOfMemoryException e)
        {
            throw new PeaException($"cpu: no memory for {bytes} bytes", e);
        }
    }
}
