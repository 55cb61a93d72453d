using System.Runtime.InteropServices;
using PeaEngine.VirtualGpu.Memory;

namespace PeaEngine.VirtualGpu.Checks;

/// <summary>How a byte of global memory was used.</summary>
enum Access { Read, Write, Atomic }

/// <summary>Which bytes of an allocation were read, written and written by atomics: a bit each, and the pages where any bit is set.</summary>
sealed unsafe class AccessMap(Allocation allocation) : IDisposable
{
    /// <summary>Words of bits of a page: 1024 bytes of memory.</summary>
    public const int PageWords = 16;

    readonly byte[] touched = new byte[allocation.Words / PageWords + 1];
    readonly long words = (allocation.Words / PageWords + 1) * PageWords;
    ulong* bits = (ulong*)NativeMemory.AllocZeroed((nuint)((allocation.Words / PageWords + 1) * PageWords * 3), sizeof(ulong));

    public Allocation Allocation { get; } = allocation;

    /// <summary>Bytes that share a writer's mark: the narrowest store that kernels do side by side.</summary>
    const int UnitBytes = 2;

    /// <summary>Marks of a block's stores, for each unit that of the last: room for all, of which the system gives what is touched.</summary>
    uint* writers;

    /// <summary>The pages with bits set.</summary>
    public List<int> Pages { get; } = [];

    /// <summary>The bits of one kind of access.</summary>
    public ulong* Bits(Access access) => bits + (int)access * words;

    public void Mark(Access access, long offset, long bytes)
    {
        for (var page = (int)(offset >> 10); page <= offset + bytes - 1 >> 10; page++)
            if (touched[page] == 0) Touch(page);
        Allocation.SetBits(Bits(access), offset, bytes, shared: false);
    }

    /// <summary>Whether the block has stored anything near some bytes: in the words of their bits.</summary>
    public bool HasStores(long offset, int bytes)
    {
        var stores = Bits(Access.Write);
        for (var word = offset >> 6; word <= offset + bytes - 1 >> 6; word++)
            if (stores[word] != 0) return true;
        return false;
    }

    /// <summary>
    /// Remembers who of the block stores, or looks whether what is read was stored by somebody of the block whom nothing orders before. Returns
    /// the mark of one who is not, or 0.
    /// </summary>
    public uint Order(SharedRaces races, Machine.Warp warp, bool isStore, long offset, int bytes, int lane)
    {
        // Single bytes beside each other may be different lanes': they are not watched.
        if (bytes < UnitBytes) return 0;
        if (isStore && writers == null) writers = (uint*)NativeMemory.AllocZeroed((nuint)(words * 64 / UnitBytes), sizeof(uint));
        if (writers == null) return 0;
        var now = SharedRaces.Stamp(warp, lane);
        for (var unit = offset / UnitBytes; unit < (offset + bytes) / UnitBytes; unit++)
        {
            if (races.Conflict(warp, writers[unit], now)) return writers[unit];
            if (isStore) writers[unit] = now;
        }
        return 0;
    }

    public void Touch(int page)
    {
        if (touched[page] != 0) return;
        touched[page] = 1;
        Pages.Add(page);
    }

    /// <summary>Clears the bits of every touched page.</summary>
    public void Clear()
    {
        foreach (var page in Pages)
        {
            touched[page] = 0;
            foreach (var access in (ReadOnlySpan<Access>)[Access.Read, Access.Write, Access.Atomic])
                new Span<ulong>(Bits(access) + (long)page * PageWords, PageWords).Clear();
            if (writers != null) new Span<uint>(writers + (long)page * PageWords * 64 / UnitBytes, PageWords * 64 / UnitBytes).Clear();
        }
        Pages.Clear();
    }

    public void Dispose()
    {
        NativeMemory.Free(bits);
        NativeMemory.Free(writers);
        bits = null;
        writers = null;
    }
}
