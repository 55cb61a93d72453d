using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using PeaEngine.VirtualGpu.Checks;
using PeaEngine.VirtualGpu.Memory;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>Loads and stores of global memory. R: the registers, then at <see cref="AddressAt"/> the address.</summary>
static unsafe class GlobalMemory
{
    /// <summary>Which operand of a load or store is its address.</summary>
    public const int AddressAt = 8;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Load(Warp w, Instr* i)
    {
        var lanes = w.Mask(i);
        if (lanes == 0) return;
        var addresses = stackalloc ulong[32];
        var places = stackalloc byte*[32];
        Addresses(w, i, addresses);
        if (lanes == Warp.Full && Consecutive(addresses, i->Width * i->Count))
        {
            var from = Check(w, i, addresses, Access.Read);
            if (i->Width == 4 && i->Count == 1 && (i->Mode & Transfer.Wide) == 0)
            {
                var d = w.Registers + i->R[0];
                Vector512.Load(from).Store(d);
                Vector512.Load(from + 64).Store(d + 64);
                return;
            }
            for (var lane = 0; lane < 32; lane++) places[lane] = from + lane * i->Width * i->Count;
        }
        else Check(w, i, addresses, lanes, i->Width * i->Count, Access.Read, places);
        Transfer.Load(w, i, places, lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Store(Warp w, Instr* i)
    {
        var lanes = w.Mask(i);
        if (lanes == 0) return;
        var addresses = stackalloc ulong[32];
        var places = stackalloc byte*[32];
        Addresses(w, i, addresses);
        if (lanes == Warp.Full && Consecutive(addresses, i->Width * i->Count))
        {
            var to = Check(w, i, addresses, Access.Write);
            for (var lane = 0; lane < 32; lane++) places[lane] = to + lane * i->Width * i->Count;
        }
        else Check(w, i, addresses, lanes, i->Width * i->Count, Access.Write, places);
        Transfer.Store(w, i, places, lanes);
    }

    /// <summary>The lanes' addresses.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Addresses(Warp w, Instr* i, ulong* addresses)
    {
        var a = w.Lanes<ulong>(i->R[AddressAt]);
        var offset = Vector512.Create((ulong)i->Offset);
        for (var k = 0; k < 32; k += 8) (Vector512.Load(a + k) + offset).Store(addresses + k);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool Consecutive(ulong* addresses, int bytes)
    {
        var steps = Vector512<ulong>.Indices * (ulong)bytes + Vector512.Create(addresses[0]);
        var step = Vector512.Create(8ul * (ulong)bytes);
        for (var k = 0; k < 32; k += 8, steps += step)
            if (Vector512.Load(addresses + k) != steps) return false;
        return true;
    }

    /// <summary>Checks 32 accesses side by side at once and finds the first one's bytes.</summary>
    static byte* Check(Warp w, Instr* i, ulong* addresses, Access access)
    {
        var (address, bytes, each) = (addresses[0], 32 * i->Width * i->Count, i->Width * i->Count);
        var allocation = w.Cta.Memory.Find(address);
        // Something is wrong with one of the lanes: the slow way says with which.
        if (allocation is null || (long)(address - allocation.Address) > allocation.Bytes - bytes || (address & (ulong)(each - 1)) != 0
            || access == Access.Read && !IsWritten(allocation, (long)(address - allocation.Address), bytes))
            CheckEach(w, i, addresses, Warp.Full, each, access, null);
        var offset = (long)(address - allocation!.Address);
        var map = w.Cta.Accesses.Map(allocation);
        map.Mark(access, offset, bytes);
        if (access == Access.Write || map.HasStores(offset, bytes))
            for (var lane = 0; lane < 32; lane++) ExpectOrder(w, i, map, access, offset + lane * each, each, lane);
        if (access == Access.Write)
        {
            allocation.MarkWritten(offset, bytes);
            if (w.Cta.CopiesPending) w.Cta.ExpectNoCopy(w, i, address, bytes, -1);
        }
        w.Counters.GlobalRequests++;
        w.Counters.GlobalBytes += bytes;
        w.Counters.GlobalSectors += (long)((address + (ulong)bytes - 1 >> 5) - (address >> 5) + 1);
        return allocation.Data + offset;
    }

    static bool IsWritten(Allocation allocation, long offset, int bytes)
    {
        for (; bytes > 64; bytes -= 64, offset += 64)
            if (!allocation.IsWritten(offset, 64)) return false;
        return allocation.IsWritten(offset, bytes);
    }

    /// <summary>Checks each lane's access, counts sectors and finds the bytes.</summary>
    public static void Check(Warp w, Instr* i, ulong* addresses, uint lanes, int bytes, Access access, byte** places)
    {
        CheckEach(w, i, addresses, lanes, bytes, access, places);
        var sectors = stackalloc ulong[32];
        var count = 0;
        for (var mask = lanes; mask != 0; mask &= mask - 1)
        {
            var sector = addresses[Warp.First(mask)] >> 5;
            var k = count - 1;
            while (k >= 0 && sectors[k] != sector) k--;
            if (k < 0) sectors[count++] = sector;
        }
        w.Counters.GlobalRequests++;
        w.Counters.GlobalSectors += count;
        w.Counters.GlobalBytes += System.Numerics.BitOperations.PopCount(lanes) * (long)bytes;
    }

    static void CheckEach(Warp w, Instr* i, ulong* addresses, uint lanes, int bytes, Access access, byte** places)
    {
        Allocation? allocation = null;
        AccessMap? map = null;
        for (var mask = lanes; mask != 0; mask &= mask - 1)
        {
            var lane = Warp.First(mask);
            var address = addresses[lane];
            if (allocation is null || address - allocation.Address >= (ulong)allocation.Bytes)
            {
                allocation = w.Cta.Memory.Find(address) ?? throw OutOfBounds(w, i, address, bytes, access, lane);
                map = w.Cta.Accesses.Map(allocation);
            }
            var offset = (long)(address - allocation.Address);
            if (offset > allocation.Bytes - bytes) throw OutOfBounds(w, i, address, bytes, access, lane);
            if ((address & (ulong)(bytes - 1)) != 0) throw w.Trap(i, $"misaligned: {bytes} bytes at 0x{address:x}", lane);
            if (access != Access.Write && !allocation.IsWritten(offset, bytes))
                throw w.Trap(i, $"uninitialised: reads byte {allocation.FirstUnwritten(offset, bytes)} of an allocation of {allocation.Bytes}, which nothing has written", lane);
            map!.Mark(access, offset, bytes);
            if (access == Access.Write || access == Access.Read && map.HasStores(offset, bytes)) ExpectOrder(w, i, map, access, offset, bytes, lane);
            if (access == Access.Write) allocation.MarkWritten(offset, bytes);
            if (access != Access.Read && w.Cta.CopiesPending) w.Cta.ExpectNoCopy(w, i, address, bytes, lane);
            if (places != null) places[lane] = allocation.Data + offset;
        }
    }

    /// <summary>Traps what nothing orders after a store of the same block.</summary>
    static void ExpectOrder(Warp w, Instr* i, AccessMap map, Access access, long offset, int bytes, int lane)
    {
        if (map.Order(w.Cta.Races, w, access == Access.Write, offset, bytes, lane) is not 0 and var before)
            throw w.Trap(i, SharedRaces.Describe(w, before, access == Access.Write ? "writes" : "reads", $"byte {offset} of an allocation of {map.Allocation.Bytes}", "wrote"), lane);
    }

    static TrapException OutOfBounds(Warp w, Instr* i, ulong address, int bytes, Access access, int lane) =>
        w.Trap(i, $"out of bounds: {(access == Access.Read ? "reads" : "writes")} {w.Cta.Memory.Describe(address, bytes)}", lane);
}
