using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using PeaEngine.VirtualGpu.Checks;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>A <c>cp.async</c> on its way.</summary>
/// <param name="Lane">Whose it is.</param>
/// <param name="Group">Which of the lane's groups it belongs to.</param>
/// <param name="To">Byte of shared memory.</param>
/// <param name="From">Device address.</param>
/// <param name="Bytes">How many it writes.</param>
/// <param name="Read">How many of them it reads; the rest are zeros.</param>
readonly record struct AsyncCopy(int Lane, int Group, uint To, ulong From, int Bytes, int Read);

/// <summary>
/// The asynchronous copies of a warp, as strict as the ISA allows: bytes move when their lane waits, not before. Until then nobody may touch
/// the destination or write to the source.
/// </summary>
sealed unsafe class AsyncCopies
{
    readonly List<AsyncCopy> pending = [];
    readonly int[] groups = new int[32];

    /// <summary>Forgets all, as for a new block.</summary>
    public void Clear()
    {
        pending.Clear();
        Array.Clear(groups);
    }

    /// <summary>Whether a write to device memory meets the source of a copy on its way.</summary>
    public bool Reads(ulong address, int bytes)
    {
        foreach (var copy in pending)
            if (address < copy.From + (ulong)copy.Read && copy.From < address + (ulong)bytes) return true;
        return false;
    }

    /// <summary><c>cp.async</c>. R: bytes read or −1, the predicate to read nothing or −1; at <see cref="GlobalMemory.AddressAt"/> the destination, after it the source with its offset in Target; Width: bytes.</summary>
    public static void Copy(Warp w, Instr* i)
    {
        var lanes = w.Mask(i);
        if (lanes == 0) return;
        var to = stackalloc uint[32];
        var from = stackalloc ulong[32];
        var places = stackalloc byte*[32];
        SharedAccess.Check(w, i, to, lanes, i->Width, places);
        var sources = w.Lanes<ulong>(i->R[GlobalMemory.AddressAt + 1]);
        var ignored = i->R[1] < 0 ? 0 : Predicates.Value(w, i->R[1]);
        uint whole = 0;
        for (var left = lanes; left != 0; left &= left - 1)
        {
            var lane = Warp.First(left);
            from[lane] = sources[lane] + (ulong)i->Target;
            var read = (ignored >> lane & 1) != 0 ? 0 : i->R[0] < 0 ? (uint)i->Width : w.Lanes<uint>(i->R[0])[lane];
            if (read > i->Width) throw w.Trap(i, $"cp.async reads {read} bytes, expected at most {i->Width}", lane);
            if ((from[lane] & (ulong)(i->Width - 1)) != 0) throw w.Trap(i, $"misaligned: cp.async of {i->Width} bytes from 0x{from[lane]:x}", lane);
            if (read == i->Width) whole |= 1u << lane;
            else if (read > 0) GlobalMemory.Check(w, i, from, 1u << lane, (int)read, Access.Read, places);
            w.Copies.pending.Add(new(lane, w.Copies.groups[lane], to[lane], from[lane], i->Width, (int)read));
            w.Cta.Races.Begin(w, i, to[lane], i->Width, lane);
        }
        if (whole != 0) GlobalMemory.Check(w, i, from, whole, i->Width, Access.Read, places);
        w.Cta.CopiesPending = true;
    }

    /// <summary><c>cp.async.commit_group</c></summary>
    public static void Commit(Warp w, Instr* i)
    {
        for (var left = w.Mask(i); left != 0; left &= left - 1) w.Copies.groups[Warp.First(left)]++;
    }

    /// <summary><c>cp.async.wait_group</c> and <c>cp.async.wait_all</c>. Mode: how many of the newest groups need not have arrived, −1 for all copies, grouped or not.</summary>
    public static void Wait(Warp w, Instr* i)
    {
        var lanes = w.Mask(i);
        var (copies, kept) = (w.Copies.pending, 0);
        for (var k = 0; k < copies.Count; k++)
        {
            var copy = copies[k];
            if ((lanes >> copy.Lane & 1) != 0 && (i->Mode < 0 || copy.Group < w.Copies.groups[copy.Lane] - i->Mode)) Arrive(w, copy);
            else copies[kept++] = copy;
        }
        copies.RemoveRange(kept, copies.Count - kept);
    }

    static byte* Source(Warp w, in AsyncCopy copy) => w.Cta.Memory.Find(copy.From) is { } allocation ? allocation.Data + (copy.From - allocation.Address) : throw new InvalidOperationException("memory was freed under a copy");

    static void Arrive(Warp w, in AsyncCopy copy)
    {
        var to = w.Cta.Shared.Data + copy.To;
        if (copy.Read == 16) Vector128.Load(Source(w, copy)).Store(to);
        else
        {
            new Span<byte>(to, copy.Bytes).Clear();
            if (copy.Read > 0) Unsafe.CopyBlockUnaligned(to, Source(w, copy), (uint)copy.Read);
        }
        w.Cta.Races.End(w, copy.To, copy.Bytes, copy.Lane);
    }
}
