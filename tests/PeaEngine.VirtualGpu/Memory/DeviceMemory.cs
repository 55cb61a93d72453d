using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PeaEngine.VirtualGpu.Memory;

/// <summary>An access to device memory that no allocation allows.</summary>
public sealed class MemoryException(string message) : Exception(message);

/// <summary>
/// Device memory. Every allocation has 64 GiB of addresses of its own, never used again, so that an address past an end, before a
/// beginning or in freed memory is known.
/// </summary>
public sealed unsafe class DeviceMemory : IDisposable
{
    const int SlotBits = 36;

    readonly Lock gate = new();
    Allocation?[] slots = new Allocation?[64];
    int used = 1;

    /// <summary>Bytes of all allocations.</summary>
    public long InUse { get; private set; }

    /// <summary>New memory, nothing in it initialised.</summary>
    public Allocation Allocate(long bytes)
    {
        if (bytes is <= 0 or >= 1L << SlotBits) throw new MemoryException($"{bytes} bytes, expected 1 to {(1L << SlotBits) - 1}");
        lock (gate)
        {
            if (used == slots.Length) Array.Resize(ref slots, 2 * used);
            var allocation = new Allocation(used, (ulong)used << SlotBits, bytes);
            slots[used++] = allocation;
            InUse += bytes;
            return allocation;
        }
    }

    /// <summary>Another memory with the same allocations, addresses and bytes.</summary>
    public DeviceMemory Copy()
    {
        lock (gate)
        {
            var copy = new DeviceMemory { slots = new Allocation?[slots.Length], used = used, InUse = InUse };
            for (var slot = 0; slot < used; slot++)
                if (slots[slot] is { } allocation) (copy.slots[slot] = new(slot, allocation.Address, allocation.Bytes)).CopyFrom(allocation);
            return copy;
        }
    }

    /// <summary>Frees the allocation that begins at an address.</summary>
    public void Free(ulong address)
    {
        lock (gate)
        {
            if (Find(address) is not { } allocation || allocation.Address != address) throw new MemoryException($"0x{address:x}: freed, but no allocation begins there");
            slots[allocation.Slot] = null;
            InUse -= allocation.Bytes;
            allocation.Dispose();
        }
    }

    /// <summary>The allocation whose addresses an address is among, past its end perhaps, or null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Allocation? Find(ulong address)
    {
        var slot = address >> SlotBits;
        var all = slots;
        return slot < (ulong)all.Length ? all[slot] : null;
    }

    /// <summary>The allocation that holds a whole range.</summary>
    /// <exception cref="MemoryException">None does.</exception>
    public Allocation Range(ulong address, long bytes) =>
        Find(address) is { } allocation && bytes >= 0 && (long)(address - allocation.Address) <= allocation.Bytes - bytes ? allocation : throw new MemoryException(Describe(address, bytes));

    /// <summary>What is wrong with an access.</summary>
    internal string Describe(ulong address, long bytes) => Find(address) is { } allocation
        ? $"{bytes} bytes at 0x{address:x}, byte {address - allocation.Address} of an allocation of {allocation.Bytes}"
        : $"{bytes} bytes at 0x{address:x}, where nothing is allocated";

    /// <summary>Copies from the host.</summary>
    public void Write(ulong address, ReadOnlySpan<byte> bytes)
    {
        var allocation = Range(address, bytes.Length);
        var offset = (long)(address - allocation.Address);
        bytes.CopyTo(new(allocation.Data + offset, bytes.Length));
        allocation.MarkWritten(offset, bytes.Length);
    }

    /// <summary>Copies to the host, initialised or not.</summary>
    public void Read(ulong address, Span<byte> bytes)
    {
        var allocation = Range(address, bytes.Length);
        new ReadOnlySpan<byte>(allocation.Data + (long)(address - allocation.Address), bytes.Length).CopyTo(bytes);
    }

    /// <summary>Copies on the device: what is not initialised stays so.</summary>
    public void Copy(ulong to, ulong from, long bytes)
    {
        var (target, source) = (Range(to, bytes), Range(from, bytes));
        var (at, first) = ((long)(to - target.Address), (long)(from - source.Address));
        Buffer.MemoryCopy(source.Data + first, target.Data + at, bytes, bytes);
        for (long i = 0; i < bytes;)
        {
            // Mostly whole words at the same place in both.
            if (((first + i | at + i) & 63) == 0 && bytes - i >= 64)
            {
                target.Written[at + i >> 6] = source.Written[first + i >> 6];
                i += 64;
                continue;
            }
            var bit = source.Written[first + i >> 6] >> (int)(first + i & 63) & 1;
            ref var word = ref target.Written[at + i >> 6];
            word = word & ~(1ul << (int)(at + i & 63)) | bit << (int)(at + i & 63);
            i++;
        }
    }

    /// <summary>Sets every byte.</summary>
    public void Fill(ulong address, byte value, long bytes)
    {
        var allocation = Range(address, bytes);
        var offset = (long)(address - allocation.Address);
        NativeMemory.Fill(allocation.Data + offset, (nuint)bytes, value);
        allocation.MarkWritten(offset, bytes);
    }

    /// <summary>Makes bytes uninitialised, though they keep what they hold.</summary>
    public void Forget(ulong address, long bytes)
    {
        var allocation = Range(address, bytes);
        allocation.MarkUnwritten((long)(address - allocation.Address), bytes);
    }

    /// <summary>Expects that all bytes of a range are initialised.</summary>
    /// <exception cref="MemoryException">One is not.</exception>
    public void ExpectWritten(ulong address, long bytes)
    {
        var allocation = Range(address, bytes);
        var offset = (long)(address - allocation.Address);
        for (var left = bytes; left > 0; left -= 64, offset += 64)
            if (!allocation.IsWritten(offset, (int)Math.Min(left, 64)))
                throw new MemoryException($"uninitialised: byte {allocation.FirstUnwritten(offset, Math.Min(left, 64))} of an allocation of {allocation.Bytes}, which nothing has written");
    }

    public void Dispose()
    {
        foreach (var allocation in slots) allocation?.Dispose();
        slots = [];
    }
}
