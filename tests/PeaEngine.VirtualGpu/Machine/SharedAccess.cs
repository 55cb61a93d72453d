using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>Loads and stores of shared memory. R: the registers, then the address, of four bytes or, by Detail, of eight.</summary>
static unsafe class SharedAccess
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Load(Warp w, Instr* i)
    {
        var lanes = w.Mask(i);
        if (lanes == 0) return;
        var addresses = stackalloc uint[32];
        var places = stackalloc byte*[32];
        Check(w, i, addresses, lanes, i->Width * i->Count, places);
        w.Cta.Races.Read(w, i, addresses, i->Width * i->Count, lanes);
        Transfer.Load(w, i, places, lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Store(Warp w, Instr* i)
    {
        var lanes = w.Mask(i);
        if (lanes == 0) return;
        var addresses = stackalloc uint[32];
        var places = stackalloc byte*[32];
        Check(w, i, addresses, lanes, i->Width * i->Count, places);
        w.Cta.Races.Write(w, i, addresses, i->Width * i->Count, lanes);
        Transfer.Store(w, i, places, lanes);
    }

    /// <summary>Each lane's address, checked, and its bytes; counts the passes through the banks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Check(Warp w, Instr* i, uint* addresses, uint lanes, int bytes, byte** places)
    {
        var shared = w.Cta.Shared;
        if (i->Detail == 0)
        {
            var a = w.Lanes<uint>(i->R[GlobalMemory.AddressAt]);
            var offset = Vector512.Create((uint)i->Offset);
            (Vector512.Load(a) + offset).Store(addresses);
            (Vector512.Load(a + 16) + offset).Store(addresses + 16);
        }
        else
        {
            var a = w.Lanes<ulong>(i->R[GlobalMemory.AddressAt]);
            for (var lane = 0; lane < 32; lane++) addresses[lane] = (uint)Math.Min(a[lane] + (ulong)i->Offset, uint.MaxValue);
        }
        if (lanes != Warp.Full)
        {
            // Lanes that do nothing ask for what the first one does.
            var first = addresses[Warp.First(lanes)];
            for (var mask = ~lanes; mask != 0; mask &= mask - 1) addresses[Warp.First(mask)] = first;
        }
        Vector512<uint> low = Vector512.Load(addresses), high = Vector512.Load(addresses + 16);
        if (Vector512.GreaterThanAny(Vector512.Max(low, high), Vector512.Create((uint)(shared.Bytes - bytes))) || shared.Bytes < bytes
            || ((low | high) & Vector512.Create((uint)bytes - 1)) != Vector512<uint>.Zero) throw Fault(w, i, addresses, bytes);
        for (var lane = 0; lane < 32; lane++) places[lane] = shared.Data + addresses[lane];
        w.Cta.Banks.Count(w.Counters, i->Meeting, addresses, bytes, lanes);
    }

    static Checks.TrapException Fault(Warp w, Instr* i, uint* addresses, int bytes)
    {
        var size = w.Cta.Shared.Bytes;
        for (var lane = 0; lane < 32; lane++)
            if (addresses[lane] + (ulong)bytes > (ulong)size) return w.Trap(i, $"out of bounds: {bytes} bytes at byte {addresses[lane]} of shared memory of {size}", lane);
            else if ((addresses[lane] & (uint)bytes - 1) != 0) return w.Trap(i, $"misaligned: {bytes} bytes at byte {addresses[lane]} of shared memory", lane);
        throw new InvalidOperationException("shared access without a fault");
    }
}
