using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Memory;

namespace PeaEngine.VirtualGpu.Checks;

/// <summary>
/// Finds accesses to a block's shared memory that nothing orders: by lanes of a warp without <c>bar.warp.sync</c> between them, by warps
/// without <c>bar.sync</c>, whatever order they happen to run in here. Every granule knows its last writer and readers, each as one number:
/// the time when its lanes last synchronised (21 bits), a mark (several lanes read, or an atomic wrote), warp and lane (5 bits each).
/// The block's time goes on by one at every barrier. It also finds reads of what nobody has written.
/// </summary>
sealed unsafe class SharedRaces(SharedMemory memory)
{
    public const uint Mark = 1 << 10;

    /// <summary>A granule that an asynchronous copy is on its way to.</summary>
    public const uint Pending = uint.MaxValue;

    const int TimeShift = 11;
    const uint Who = (1 << 10) - 1, LastTime = (1 << 21) - 2;

    /// <summary>When each two warps last met at a barrier that not all warps came to.</summary>
    readonly uint[] met = new uint[32 * 32];

    uint time, barrier;

    /// <summary>Begins a block.</summary>
    public void Clear()
    {
        (time, barrier) = (1, 1);
        Array.Clear(met);
        memory.Clear();
    }

    /// <summary>A warp's lanes synchronise with each other.</summary>
    public void SynchroniseLanes(Warp warp) => warp.Synchronised = Tick();

    /// <summary>All warps of the block synchronise.</summary>
    public void SynchroniseBlock(Warp[] all)
    {
        barrier = Tick();
        foreach (var warp in all) warp.Synchronised = barrier;
    }

    /// <summary>Some warps synchronise.</summary>
    public void SynchroniseSome(List<Warp> some)
    {
        var now = Tick();
        foreach (var warp in some)
        {
            warp.Synchronised = now;
            foreach (var other in some) met[warp.Index * 32 + other.Index] = now;
        }
    }

    uint Tick()
    {
        if (time >= LastTime) throw new TrapException($"more than {LastTime} barriers in one block, expected an end");
        return ++time;
    }

    /// <summary>Lanes read bytes each at its own address. Addresses are in bounds and aligned.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Read(Warp w, Instr* i, uint* addresses, int bytes, uint mask)
    {
        var shift = memory.GranuleShift;
        var perLane = bytes >> shift;
        var me = w.Synchronised << TimeShift | (uint)w.Index << 5;
        var ordered = barrier << TimeShift;
        uint* writers = memory.Writers, readers = memory.Readers, others = memory.OtherReaders;
        if (perLane == 1 && mask == Warp.Full && Consecutive(addresses, bytes))
        {
            var first = addresses[0] >> shift;
            if (ReadConsecutive(writers + first, readers + first, ordered, me)) return;
        }
        var before = uint.MaxValue;
        for (var left = mask; left != 0; left &= left - 1)
        {
            var lane = Warp.First(left);
            var granule = addresses[lane] >> shift;
            if (granule == before)
            {
                // Lanes beside each other often read the same: it has just been looked at.
                for (var k = 0u; k < perLane; k++) readers[granule + k] |= Mark;
                continue;
            }
            before = granule;
            var now = me | (uint)lane;
            for (var end = granule + (uint)perLane; granule < end; granule++)
            {
                var writer = writers[granule];
                if (writer - 1 >= ordered - 1)
                {
                    CheckRead(w, i, granule, writer, now);
                    // This lane may be the one that wrote: the next one has to be looked at by itself.
                    before = uint.MaxValue;
                }
                var reader = readers[granule];
                if (reader < ordered) readers[granule] = now;
                else if (reader != now)
                {
                    if (((reader ^ now) >> 5 & 31) != 0) (others[granule], readers[granule]) = (reader, now);
                    else readers[granule] = reader >> TimeShift == w.Synchronised ? now | (((reader ^ now) & 31) != 0 ? Mark : reader & Mark) : now;
                }
            }
        }
    }

    /// <summary>All lanes of a warp get what is read here: it must be ordered even after their own writes.</summary>
    public void ReadTogether(Warp w, Instr* i, uint address, int bytes)
    {
        var granule = address >> memory.GranuleShift;
        for (var end = granule + (uint)(bytes >> memory.GranuleShift); granule < end; granule++)
        {
            var writer = memory.Writers[granule];
            // As a lane that is not the one that wrote.
            var now = w.Synchronised << TimeShift | (uint)w.Index << 5 | (writer ^ 1) & 31;
            if (writer - 1 >= (barrier << TimeShift) - 1) CheckRead(w, i, granule, writer, now);
            if (memory.Readers[granule] >= barrier << TimeShift && ((memory.Readers[granule] ^ now) >> 5 & 31) != 0) memory.OtherReaders[granule] = memory.Readers[granule];
            memory.Readers[granule] = now | Mark;
        }
    }

    /// <summary>A lane reads.</summary>
    public void Read(Warp w, Instr* i, uint address, int bytes, int lane)
    {
        var addresses = stackalloc uint[32];
        addresses[lane] = address;
        Read(w, i, addresses, bytes, 1u << lane);
    }

    /// <summary>32 granules side by side, last touched before the last barrier: the common case.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool ReadConsecutive(uint* writers, uint* readers, uint ordered, uint me)
    {
        var bound = Vector512.Create(ordered);
        Vector512<uint> w0 = Vector512.Load(writers), w1 = Vector512.Load(writers + 16);
        if (Vector512.GreaterThanOrEqualAny(Vector512.Max(w0, w1), bound) || Vector512.EqualsAny(Vector512.Min(w0, w1), Vector512<uint>.Zero)) return false;
        if (Vector512.GreaterThanOrEqualAny(Vector512.Max(Vector512.Load(readers), Vector512.Load(readers + 16)), bound)) return false;
        var lanes = Vector512<uint>.Indices;
        (Vector512.Create(me) | lanes).Store(readers);
        (Vector512.Create(me) | lanes + Vector512.Create(16u)).Store(readers + 16);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool Consecutive(uint* addresses, int bytes)
    {
        var start = Vector512.Create(addresses[0]);
        var steps = Vector512<uint>.Indices * (uint)bytes;
        return Vector512.Load(addresses) == start + steps && Vector512.Load(addresses + 16) == start + steps + Vector512.Create(16u * (uint)bytes);
    }

    /// <summary>Lanes write. An <paramref name="atomic"/> write does not race with another.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Write(Warp w, Instr* i, uint* addresses, int bytes, uint mask, bool atomic = false)
    {
        for (var left = mask; left != 0; left &= left - 1) Write(w, i, addresses[Warp.First(left)], bytes, Warp.First(left), atomic);
    }

    /// <summary>A lane writes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(Warp w, Instr* i, uint address, int bytes, int lane, bool atomic = false)
    {
        var now = Stamp(w, lane);
        var ordered = barrier << TimeShift;
        uint* writers = memory.Writers, readers = memory.Readers;
        var granule = address >> memory.GranuleShift;
        for (var end = granule + (uint)(bytes >> memory.GranuleShift); granule < end; granule++)
        {
            if (writers[granule] >= ordered || readers[granule] >= ordered) CheckWrite(w, i, granule, now, atomic);
            writers[granule] = atomic ? now | Mark : now;
        }
    }

    /// <summary>An asynchronous copy to a granule begins: as a write, and nobody may touch it until it has ended.</summary>
    public void Begin(Warp w, Instr* i, uint address, int bytes, int lane)
    {
        Write(w, i, address, bytes, lane);
        for (var granule = address >> memory.GranuleShift; granule < address + (uint)bytes >> memory.GranuleShift; granule++) memory.Writers[granule] = Pending;
    }

    /// <summary>An asynchronous copy has ended: its lane has written.</summary>
    public void End(Warp w, uint address, int bytes, int lane)
    {
        for (var granule = address >> memory.GranuleShift; granule < address + (uint)bytes >> memory.GranuleShift; granule++)
            memory.Writers[granule] = Stamp(w, lane);
    }

    /// <summary>An atomic reads what it changes: something must be there.</summary>
    public void ExpectWritten(Warp w, Instr* i, uint address, int lane)
    {
        if (memory.Writers[address >> memory.GranuleShift] is 0 or Pending) CheckRead(w, i, address >> memory.GranuleShift, memory.Writers[address >> memory.GranuleShift], (uint)lane);
    }

    void CheckRead(Warp w, Instr* i, uint granule, uint writer, uint now)
    {
        if (writer == 0) throw w.Trap(i, $"reads byte {granule << memory.GranuleShift} of shared memory, which nothing has written", (int)now & 31);
        if (writer == Pending) throw w.Trap(i, $"reads byte {granule << memory.GranuleShift} of shared memory, to which a cp.async is on its way: expected a wait before", (int)now & 31);
        if (Conflict(w, writer, now)) throw Race(w, i, granule, writer, now, "reads", "wrote");
    }

    void CheckWrite(Warp w, Instr* i, uint granule, uint now, bool atomic)
    {
        var writer = memory.Writers[granule];
        if (writer == Pending) throw w.Trap(i, $"writes byte {granule << memory.GranuleShift} of shared memory, to which a cp.async is on its way: expected a wait before", (int)now & 31);
        if (Conflict(w, writer, now) && !(atomic && (writer & Mark) != 0)) throw Race(w, i, granule, writer, now, "writes", "wrote");
        foreach (var reader in (ReadOnlySpan<uint>)[memory.Readers[granule], memory.OtherReaders[granule]])
            if (Conflict(w, reader, now) || ((reader ^ now) >> 5 & 31) == 0 && (reader & Mark) != 0 && reader >> TimeShift >= w.Synchronised)
                throw Race(w, i, granule, reader, now, "writes", "read");
    }

    /// <summary>The mark of an access by a lane, now.</summary>
    public static uint Stamp(Warp warp, int lane) => warp.Synchronised << TimeShift | (uint)warp.Index << 5 | (uint)lane;

    /// <summary>What is wrong about an access that nothing orders after another.</summary>
    public static string Describe(Warp w, uint before, string does, string what, string did)
    {
        var warp = before >> 5 & 31;
        return $"race: {does} {what}, which warp {warp} lane {before & 31} {did}: expected a {(warp == w.Index ? "__syncwarp" : "barrier")} between";
    }

    /// <summary>Whether somebody else's earlier access is not ordered before this one.</summary>
    public bool Conflict(Warp w, uint before, uint now)
    {
        if (((before ^ now) & Who) == 0 || before == 0) return false;
        var then = before >> TimeShift;
        var warp = (int)(before >> 5 & 31);
        return warp == w.Index ? then >= w.Synchronised : then >= barrier && then >= met[warp * 32 + w.Index];
    }

    TrapException Race(Warp w, Instr* i, uint granule, uint before, uint now, string does, string did) =>
        w.Trap(i, Describe(w, before, does, $"byte {granule << memory.GranuleShift} of shared memory", did), (int)now & 31);
}
