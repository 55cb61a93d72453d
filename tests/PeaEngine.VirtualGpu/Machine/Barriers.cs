using System.Numerics;
using PeaEngine.VirtualGpu.Checks;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>Barriers of a block: all of its threads, or as many as the instruction says, wait until the last has come.</summary>
static unsafe class Barriers
{
    /// <summary>What a barrier tells those who came about a predicate of theirs.</summary>
    public enum Reduction { None, Count, And, Or }

    /// <summary><c>bar.sync</c> and <c>bar.red</c>. R: result, barrier, threads or −1; Mode: the reduction; Detail: its predicate.</summary>
    public static void Sync(Warp w, Instr* i)
    {
        if (w.Mask(i) != w.Live) throw w.Trap(i, $"a barrier in divergent code: lanes {w.Mask(i):x8} of {w.Live:x8} are here");
        if (Id(w, i) > 15) throw w.Trap(i, $"barrier {Id(w, i)}, expected 0 to 15");
        w.State = WarpState.AtBarrier;
        w.Waiting = i;
    }

    /// <summary><c>bar.warp.sync</c>. R: the lanes that wait for each other.</summary>
    public static void WarpSync(Warp w, Instr* i)
    {
        Warps.Expect(w, i, i->R[0]);
        w.Cta.Races.SynchroniseLanes(w);
    }

    /// <summary>Lets go whom all others that they wait for have joined. False if nobody can go on.</summary>
    public static bool Release(Warp[] warps, SharedRaces races)
    {
        List<Warp> waiting = [.. warps.Where(warp => warp.State == WarpState.AtBarrier)];
        var released = false;
        foreach (var group in waiting.GroupBy(warp => Id(warp, warp.Waiting)))
        {
            List<Warp> there = [.. group];
            var first = there[0].Waiting;
            var expected = first->R[2] < 0 ? 0 : (int)there[0].Lanes<uint>(first->R[2])[Warp.First(there[0].Active)];
            if (expected == 0)
            {
                if (Array.Exists(warps, warp => warp.State != WarpState.Done && !there.Contains(warp))) continue;
                races.SynchroniseBlock(warps);
            }
            else if (expected % 32 != 0) throw there[0].Trap(first, $"a barrier of {expected} threads, expected a multiple of 32");
            else if (there.Count * 32 < expected) continue;
            else races.SynchroniseSome(there);
            Reduce(there);
            foreach (var warp in there) warp.State = WarpState.Running;
            released = true;
        }
        return released;
    }

    static uint Id(Warp w, Instr* i) => w.Lanes<uint>(i->R[1])[Warp.First(w.Active)];

    static void Reduce(List<Warp> there)
    {
        if ((Reduction)there[0].Waiting->Mode == Reduction.None) return;
        int count = there.Sum(warp => BitOperations.PopCount(Predicates.Value(warp, warp.Waiting->Detail) & warp.Active)), all = there.Sum(warp => BitOperations.PopCount(warp.Active));
        foreach (var warp in there)
        {
            var i = warp.Waiting;
            if ((Reduction)i->Mode == Reduction.Count)
            {
                for (var lane = 0; lane < 32; lane++) if ((warp.Active >> lane & 1) != 0) warp.Lanes<uint>(i->R[0])[lane] = (uint)count;
            }
            else Predicates.Put(warp, i->R[0], ((Reduction)i->Mode == Reduction.And ? count == all : count > 0) ? Warp.Full : 0, warp.Active);
        }
    }
}
