using System.Runtime.InteropServices;

namespace PeaEngine.Backends;

/// <summary>Memory of the host, aligned to a page at least. Large blocks lie in huge pages where the system has them.</summary>
static unsafe partial class HostMemory
{
    const int PageBytes = 4096, HugePageBytes = 2 << 20, HugePages = 14;

    /// <summary>A block, contents undefined; pages that nobody touches cost nothing.</summary>
    /// <exception cref="PeaException">There is not so much memory.</exception>
    public static void* Allocate(long bytes)
    {
        // Panels and images are walked in many places at once: with pages of 4 KB the processor's table of pages would be too small.
        var huge = OperatingSystem.IsLinux() && bytes >= 2 * HugePageBytes;
        try
        {
            var block = NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), (nuint)(huge ? HugePageBytes : PageBytes));
            // It is advice: a system without huge pages refuses it, and nothing is lost.
            if (huge) _ = Advise(block, (nuint)bytes, HugePages);
            return block;
        }
        catch (OutOfMemoryException e)
        {
            throw new PeaException($"cpu: no memory for {bytes} bytes", e);
        }
    }

    /// <summary>Frees a block; null is none.</summary>
    public static void Free(void* block) => NativeMemory.AlignedFree(block);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* block, nuint bytes, int advice);
}
