using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace PeaEngine.Backends;

/// <summary>Asks for memory that will be used soon.</summary>
static unsafe class Prefetch
{
    /// <summary>Singles of a cache line.</summary>
    public const int Line = 16;

    /// <summary>Fetches the cache line of an address, which need not be a valid one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(float* address)
    {
        if (Sse.IsSupported) Sse.Prefetch0(address);
    }
}
