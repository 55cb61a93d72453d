using PeaEngine.VirtualGpu.Checks;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>Loads and stores of parameters, of local memory and through generic addresses.</summary>
static unsafe class OtherMemory
{
    /// <summary><c>ld.param</c> of a kernel's parameters: the same for all lanes unless its address is a register.</summary>
    public static void LoadParameter(Warp w, Instr* i)
    {
        var lanes = w.Mask(i);
        var bytes = i->Width * i->Count;
        var addresses = stackalloc ulong[32];
        var places = stackalloc byte*[32];
        GlobalMemory.Addresses(w, i, addresses);
        fixed (byte* parameters = w.Cta.Launch.Parameters)
        {
            for (var mask = lanes; mask != 0; mask &= mask - 1)
            {
                var lane = Warp.First(mask);
                var size = w.Cta.Launch.Parameters.Length;
                if (size < bytes || addresses[lane] > (ulong)(size - bytes)) throw w.Trap(i, $"out of bounds: byte {addresses[lane]} of {size} bytes of parameters", lane);
                places[lane] = parameters + addresses[lane];
            }
            Transfer.Load(w, i, places, lanes);
        }
    }

    public static void LoadLocal(Warp w, Instr* i)
    {
        var lanes = w.Mask(i);
        var addresses = stackalloc ulong[32];
        var places = stackalloc byte*[32];
        GlobalMemory.Addresses(w, i, addresses);
        for (var mask = lanes; mask != 0; mask &= mask - 1) places[Warp.First(mask)] = Local(w, i, addresses[Warp.First(mask)], i->Width * i->Count, Warp.First(mask), Access.Read);
        Transfer.Load(w, i, places, lanes);
    }

    public static void StoreLocal(Warp w, Instr* i)
    {
        var lanes = w.Mask(i);
        var addresses = stackalloc ulong[32];
        var places = stackalloc byte*[32];
        GlobalMemory.Addresses(w, i, addresses);
        for (var mask = lanes; mask != 0; mask &= mask - 1) places[Warp.First(mask)] = Local(w, i, addresses[Warp.First(mask)], i->Width * i->Count, Warp.First(mask), Access.Write);
        Transfer.Store(w, i, places, lanes);
    }

    public static void LoadGeneric(Warp w, Instr* i)
    {
        var lanes = w.Mask(i);
        var addresses = stackalloc ulong[32];
        var places = stackalloc byte*[32];
        GlobalMemory.Addresses(w, i, addresses);
        Generic(w, i, addresses, lanes, i->Width * i->Count, Access.Read, places);
        Transfer.Load(w, i, places, lanes);
    }

    public static void StoreGeneric(Warp w, Instr* i)
    {
        var lanes = w.Mask(i);
        var addresses = stackalloc ulong[32];
        var places = stackalloc byte*[32];
        GlobalMemory.Addresses(w, i, addresses);
        Generic(w, i, addresses, lanes, i->Width * i->Count, Access.Write, places);
        Transfer.Store(w, i, places, lanes);
    }

    /// <summary>Finds each lane's bytes in the state space that its address lies in.</summary>
    public static void Generic(Warp w, Instr* i, ulong* addresses, uint lanes, int bytes, Access access, byte** places)
    {
        uint global = 0;
        for (var mask = lanes; mask != 0; mask &= mask - 1)
        {
            var lane = Warp.First(mask);
            var address = addresses[lane];
            if ((address & Cta.LocalWindow) != 0) places[lane] = Local(w, i, address & ~Cta.LocalWindow, bytes, lane, access);
            else if ((address & Cta.SharedWindow) != 0)
            {
                var (shared, at) = (w.Cta.Shared, address & ~Cta.SharedWindow);
                if (shared.Bytes < bytes || at > (ulong)(shared.Bytes - bytes)) throw w.Trap(i, $"out of bounds: {bytes} bytes at byte {at} of shared memory of {shared.Bytes}", lane);
                if ((at & (ulong)(bytes - 1)) != 0) throw w.Trap(i, $"misaligned: {bytes} bytes at byte {at} of shared memory", lane);
                if (access == Access.Read) w.Cta.Races.Read(w, i, (uint)at, bytes, lane);
                else
                {
                    if (access == Access.Atomic) w.Cta.Races.ExpectWritten(w, i, (uint)at, lane);
                    w.Cta.Races.Write(w, i, (uint)at, bytes, lane, access == Access.Atomic);
                }
                places[lane] = shared.Data + at;
            }
            else global |= 1u << lane;
        }
        if (global != 0) GlobalMemory.Check(w, i, addresses, global, bytes, access, places);
    }

    static byte* Local(Warp w, Instr* i, ulong address, int bytes, int lane, Access access)
    {
        var size = w.Cta.Program.LocalBytes;
        if (size < bytes || address > (ulong)(size - bytes)) throw w.Trap(i, $"out of bounds: {bytes} bytes at byte {address} of local memory of {size}", lane);
        if ((address & (ulong)(bytes - 1)) != 0) throw w.Trap(i, $"misaligned: {bytes} bytes at byte {address} of local memory", lane);
        var at = lane * size + (int)address;
        var written = new Span<byte>(w.LocalWritten + at, bytes);
        if (access == Access.Write) written.Fill(1);
        else if (written.Contains((byte)0)) throw w.Trap(i, $"uninitialised: reads byte {address} of local memory, which nothing has written", lane);
        return w.Local + at;
    }
}
