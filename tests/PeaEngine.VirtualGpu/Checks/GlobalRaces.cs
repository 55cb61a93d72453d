using PeaEngine.VirtualGpu.Memory;

namespace PeaEngine.VirtualGpu.Checks;

/// <summary>The global accesses of the block that a worker executes.</summary>
sealed class BlockAccesses : IDisposable
{
    AccessMap?[] maps = [];

    public AccessMap Map(Allocation allocation)
    {
        if (allocation.Slot >= maps.Length) Array.Resize(ref maps, allocation.Slot + 16);
        return maps[allocation.Slot] ??= allocation.RentMap();
    }

    public IEnumerable<AccessMap> Maps => maps.OfType<AccessMap>();

    public void Dispose()
    {
        foreach (var map in Maps) map.Allocation.ReturnMap(map);
        maps = [];
    }
}

/// <summary>
/// Finds accesses of different blocks to the same bytes of which one is a write, whatever order the blocks happen to run in: what a block
/// did is held against all that the blocks before it did. Atomics do not race with each other.
/// </summary>
sealed unsafe class GlobalRaces : IDisposable
{
    readonly Dictionary<int, AccessMap> all = [];

    /// <summary>Adds a finished block's accesses. Returns the address of a byte that another block uses in a way that does not go with it, and how, or null.</summary>
    public string? Join(BlockAccesses block)
    {
        string? race = null;
        foreach (var map in block.Maps)
        {
            if (map.Pages.Count == 0) continue;
            lock (all)
            {
                if (!all.TryGetValue(map.Allocation.Slot, out var before)) all.Add(map.Allocation.Slot, before = map.Allocation.RentMap());
                foreach (var page in map.Pages)
                {
                    race ??= Conflict(map, before, page);
                    before.Touch(page);
                    for (var access = Access.Read; access <= Access.Atomic; access++)
                        for (var k = (long)page * AccessMap.PageWords; k < (page + 1L) * AccessMap.PageWords; k++) before.Bits(access)[k] |= map.Bits(access)[k];
                }
            }
            map.Clear();
        }
        return race;
    }

    static string? Conflict(AccessMap map, AccessMap before, int page)
    {
        ulong* r = map.Bits(Access.Read), w = map.Bits(Access.Write), a = map.Bits(Access.Atomic);
        ulong* otherR = before.Bits(Access.Read), otherW = before.Bits(Access.Write), otherA = before.Bits(Access.Atomic);
        for (var k = (long)page * AccessMap.PageWords; k < (page + 1L) * AccessMap.PageWords; k++)
        {
            var wrong = w[k] & (otherR[k] | otherW[k] | otherA[k]) | r[k] & (otherW[k] | otherA[k]) | a[k] & (otherR[k] | otherW[k]);
            if (wrong == 0) continue;
            var bit = wrong & (0 - wrong);
            return $"race: {Does(r[k], w[k], bit)} byte {k * 64 + System.Numerics.BitOperations.TrailingZeroCount(wrong)} of an allocation of {map.Allocation.Bytes} bytes, which another block {Does(otherR[k], otherW[k], bit)}";
        }
        return null;
    }

    static string Does(ulong read, ulong written, ulong bit) => (written & bit) != 0 ? "writes" : (read & bit) != 0 ? "reads" : "changes by an atomic";

    public void Dispose()
    {
        foreach (var map in all.Values) map.Allocation.ReturnMap(map);
        all.Clear();
    }
}
