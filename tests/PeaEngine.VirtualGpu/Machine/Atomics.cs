using PeaEngine.VirtualGpu.Checks;
using PeaEngine.VirtualGpu.Ptx;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>What an atomic does.</summary>
enum AtomicOp { Add, Min, Max, Inc, Dec, And, Or, Xor, Exch, Cas }

/// <summary><c>atom</c> and <c>red</c>: lane after lane, one warp at a time. R: d or −1, a, b or −1, and the address; Count: the type.</summary>
static unsafe class Atomics
{
    static readonly Lock Gate = new();

    public static void Global(Warp w, Instr* i)
    {
        var lanes = w.Mask(i);
        if (lanes == 0) return;
        var addresses = stackalloc ulong[32];
        var places = stackalloc byte*[32];
        GlobalMemory.Addresses(w, i, addresses);
        lock (Gate)
        {
            GlobalMemory.Check(w, i, addresses, lanes, i->Width, Access.Atomic, places);
            Apply(w, i, places, lanes);
        }
    }

    public static void Shared(Warp w, Instr* i)
    {
        var lanes = w.Mask(i);
        if (lanes == 0) return;
        var addresses = stackalloc uint[32];
        var places = stackalloc byte*[32];
        SharedAccess.Check(w, i, addresses, lanes, i->Width, places);
        for (var left = lanes; left != 0; left &= left - 1) w.Cta.Races.ExpectWritten(w, i, addresses[Warp.First(left)], Warp.First(left));
        w.Cta.Races.Write(w, i, addresses, i->Width, lanes, atomic: true);
        Apply(w, i, places, lanes);
    }

    /// <summary>Through generic addresses: every lane's state space for itself.</summary>
    public static void Generic(Warp w, Instr* i)
    {
        var lanes = w.Mask(i);
        var addresses = stackalloc ulong[32];
        var places = stackalloc byte*[32];
        GlobalMemory.Addresses(w, i, addresses);
        lock (Gate)
        {
            OtherMemory.Generic(w, i, addresses, lanes, i->Width, Access.Atomic, places);
            Apply(w, i, places, lanes);
        }
    }

    static void Apply(Warp w, Instr* i, byte** places, uint lanes)
    {
        for (; lanes != 0; lanes &= lanes - 1)
        {
            var lane = Warp.First(lanes);
            var (a, b) = (Get(i->R[1]), i->R[2] < 0 ? 0 : Get(i->R[2]));
            var old = i->Width == 8 ? *(ulong*)places[lane] : *(uint*)places[lane];
            var now = Result((AtomicOp)i->Mode, (PtxType)i->Count, old, a, b);
            if (i->Width == 8) *(ulong*)places[lane] = now;
            else *(uint*)places[lane] = (uint)now;
            if (i->R[0] < 0) continue;
            if (i->Width == 8) w.Lanes<ulong>(i->R[0])[lane] = old;
            else w.Lanes<uint>(i->R[0])[lane] = (uint)old;
            ulong Get(int register) => i->Width == 8 ? w.Lanes<ulong>(register)[lane] : w.Lanes<uint>(register)[lane];
        }
    }

    static ulong Result(AtomicOp op, PtxType type, ulong old, ulong a, ulong b) => op switch
    {
        AtomicOp.Add => type switch
        {
            PtxType.F32 => BitConverter.SingleToUInt32Bits(BitConverter.UInt32BitsToSingle((uint)old) + BitConverter.UInt32BitsToSingle((uint)a)),
            PtxType.F64 => BitConverter.DoubleToUInt64Bits(BitConverter.UInt64BitsToDouble(old) + BitConverter.UInt64BitsToDouble(a)),
            PtxType.F16x2 => AddPair<HalfFormat>(old, a),
            PtxType.BF16x2 => AddPair<BFloat16Format>(old, a),
            _ => old + a,
        },
        AtomicOp.Min => Less(type, a, old) ? a : old,
        AtomicOp.Max => Less(type, old, a) ? a : old,
        AtomicOp.Inc => (uint)old >= (uint)a ? 0 : old + 1,
        AtomicOp.Dec => (uint)old == 0 || (uint)old > (uint)a ? a : old - 1,
        AtomicOp.And => old & a,
        AtomicOp.Or => old | a,
        AtomicOp.Xor => old ^ a,
        AtomicOp.Exch => a,
        _ => old == a ? b : old,
    };

    static uint AddPair<TFormat>(ulong x, ulong y) where TFormat : INarrow =>
        TFormat.Round((double)TFormat.Widen((ushort)x) + TFormat.Widen((ushort)y)) | (uint)TFormat.Round((double)TFormat.Widen((ushort)(x >> 16)) + TFormat.Widen((ushort)(y >> 16))) << 16;

    static bool Less(PtxType type, ulong x, ulong y) => type switch
    {
        PtxType.S32 => (int)x < (int)y,
        PtxType.S64 => (long)x < (long)y,
        _ => x < y,
    };
}
