using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using PeaEngine.VirtualGpu.Checks;

namespace PeaEngine.VirtualGpu.Memory;

/// <summary>
/// A piece of device memory: its bytes, and a bit for each that says whether it was ever written. Nothing lies behind its last byte: an
/// address there belongs to no allocation.
/// </summary>
public sealed unsafe class Allocation : IDisposable
{
    readonly ConcurrentBag<AccessMap> maps = [];

    internal Allocation(int slot, ulong address, long bytes)
    {
        (Slot, Address, Bytes) = (slot, address, bytes);
        Data = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 64), 64);
        Words = (bytes + 63) / 64 + 1;
        Written = (ulong*)NativeMemory.AllocZeroed((nuint)Words, sizeof(ulong));
    }

    /// <summary>Its place among the allocations.</summary>
    internal int Slot { get; }

    /// <summary>The device address of its first byte.</summary>
    public ulong Address { get; }

    /// <summary>Its size.</summary>
    public long Bytes { get; }

    /// <summary>Whether its stream has come to where it was asked for.</summary>
    internal bool IsMade { get; set; } = true;

    /// <summary>Its bytes.</summary>
    internal byte* Data { get; private set; }

    /// <summary>A bit a byte: initialised.</summary>
    internal ulong* Written { get; private set; }

    /// <summary>How many words such bits fill; one more than needed, so that two can be read at the last.</summary>
    internal long Words { get; }

    /// <summary>A map with nothing in it. Launches use them again: to give the system back what a large one touched, and get it anew, costs more than most launches.</summary>
    internal AccessMap RentMap() => maps.TryTake(out var map) ? map : new(this);

    /// <summary>Takes a map back.</summary>
    internal void ReturnMap(AccessMap map)
    {
        map.Clear();
        maps.Add(map);
    }

    /// <summary>Whether some bytes, at most 64, are all initialised.</summary>
    internal bool IsWritten(long offset, int bytes)
    {
        var mask = bytes == 64 ? ulong.MaxValue : (1ul << bytes) - 1;
        var (word, shift) = (offset >> 6, (int)offset & 63);
        if ((Written[word] >> shift & mask) != (shift == 0 ? mask : mask & ulong.MaxValue >> shift)) return false;
        return shift + bytes <= 64 || (Written[word + 1] & mask >> 64 - shift) == mask >> 64 - shift;
    }

    /// <summary>Takes over another's bytes, and which of them are initialised.</summary>
    internal void CopyFrom(Allocation other)
    {
        Buffer.MemoryCopy(other.Data, Data, Bytes, Bytes);
        Buffer.MemoryCopy(other.Written, Written, Words * sizeof(ulong), Words * sizeof(ulong));
    }

    /// <summary>Marks bytes as initialised. Blocks on several threads may mark the same word.</summary>
    internal void MarkWritten(long offset, long bytes) => SetBits(Written, offset, bytes, shared: true);

    /// <summary>Marks bytes as not initialised, while nothing else happens.</summary>
    internal void MarkUnwritten(long offset, long bytes)
    {
        for (var at = offset; at < offset + bytes; at++) Written[at >> 6] &= ~(1ul << (int)(at & 63));
    }

    /// <summary>Sets a run of bits.</summary>
    internal static void SetBits(ulong* words, long first, long count, bool shared)
    {
        while (count > 0)
        {
            var shift = (int)first & 63;
            var here = (int)Math.Min(64 - shift, count);
            var mask = (here == 64 ? ulong.MaxValue : (1ul << here) - 1) << shift;
            ref var word = ref words[first >> 6];
            if ((word & mask) != mask)
            {
                if (shared) Interlocked.Or(ref word, mask);
                else word |= mask;
            }
            first += here;
            count -= here;
        }
    }

    /// <summary>The first of some bytes that is not initialised, or −1.</summary>
    internal long FirstUnwritten(long offset, long bytes)
    {
        for (var at = offset; at < offset + bytes; at++)
            if ((Written[at >> 6] >> (int)(at & 63) & 1) == 0) return at;
        return -1;
    }

    public void Dispose()
    {
        while (maps.TryTake(out var map)) map.Dispose();
        NativeMemory.AlignedFree(Data);
        NativeMemory.Free(Written);
        Data = null;
        Written = null;
    }
}
