using System.Numerics;
using PeaEngine.VirtualGpu.Ptx;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>
/// Where each of a body's registers lies. NVRTC writes a new register for every value; those that never live at the same time share a
/// place, so that a warp's registers stay in the cache, and their number is near what the real assembler needs.
/// </summary>
sealed class RegisterPlan
{
    /// <summary>Bytes of a register of 32 lanes of 4 bytes; of 8 bytes it is twice as long.</summary>
    public const int LaneBytes = 128;

    readonly Dictionary<string, int> offsets = [];

    /// <summary>Bytes of all registers but predicates.</summary>
    public int Bytes { get; }

    /// <summary>Predicates, each in a place of its own.</summary>
    public int Predicates { get; }

    /// <summary>The most 32-bit registers that live at once.</summary>
    public int Pressure { get; }

    public RegisterPlan(PtxFunction body, ControlFlow flow)
    {
        var names = new Dictionary<string, int>();
        var types = new List<PtxType>();
        foreach (var (name, type) in body.Registers)
            if (type == PtxType.Pred) offsets[name] = Predicates++;
            else
            {
                names[name] = types.Count;
                types.Add(type);
            }
        var (first, last) = Lifetimes(body, flow, names);
        var places = new int[types.Count];
        var free = new Stack<int>[] { new(), new() };
        var ends = new PriorityQueue<int, int>();
        var live = 0;
        foreach (var register in Enumerable.Range(0, types.Count).Where(r => last[r] >= 0).OrderBy(r => first[r]))
        {
            while (ends.TryPeek(out var ended, out var end) && end < first[register])
            {
                ends.Dequeue();
                free[Wide(ended)].Push(places[ended]);
                live -= 1 + Wide(ended);
            }
            var wide = Wide(register);
            if (!free[wide].TryPop(out places[register]))
            {
                places[register] = Bytes;
                Bytes += LaneBytes << wide;
            }
            ends.Enqueue(register, last[register]);
            Pressure = Math.Max(Pressure, live += 1 + wide);
        }
        foreach (var (name, register) in names) offsets[name] = last[register] >= 0 ? places[register] : -1;
        int Wide(int register) => types[register].Bytes() == 8 ? 1 : 0;
    }

    /// <summary>The offset of a register's lanes, or a predicate's index.</summary>
    public int this[string name] => offsets[name];

    /// <summary>The first and last instruction at which each register holds something: through every block that it lives in.</summary>
    static (int[] First, int[] Last) Lifetimes(PtxFunction body, ControlFlow flow, Dictionary<string, int> names)
    {
        int count = names.Count, words = (count + 63) / 64, blocks = flow.Blocks;
        var (first, last) = (new int[count], new int[count]);
        Array.Fill(first, int.MaxValue);
        Array.Fill(last, -1);
        var (used, defined, liveIn) = (Bits(), Bits(), Bits());
        for (var b = 0; b < blocks; b++)
            for (var i = flow.Starts[b]; i < flow.Starts[b + 1]; i++)
            {
                var instruction = body.Instructions[i];
                var (writes, reads) = Usage.Of(instruction);
                foreach (var name in reads)
                    if (names.TryGetValue(name, out var r))
                    {
                        Extend(r, i);
                        if (!Has(defined[b], r)) Set(used[b], r);
                    }
                foreach (var name in writes)
                    if (names.TryGetValue(name, out var r))
                    {
                        Extend(r, i);
                        // With a guard the other lanes keep what the register held.
                        if (instruction.Guard is null) Set(defined[b], r);
                        else if (!Has(defined[b], r)) Set(used[b], r);
                    }
            }
        for (var changed = true; changed;)
        {
            changed = false;
            for (var b = blocks - 1; b >= 0; b--)
                for (var k = 0; k < words; k++)
                {
                    ulong leaving = 0;
                    foreach (var next in flow.Next[b]) if (next < blocks) leaving |= liveIn[next][k];
                    var entering = used[b][k] | leaving & ~defined[b][k];
                    if (entering == liveIn[b][k]) continue;
                    liveIn[b][k] = entering;
                    changed = true;
                }
        }
        for (var b = 0; b < blocks; b++)
        {
            ExtendAll(liveIn[b], flow.Starts[b]);
            foreach (var next in flow.Next[b]) if (next < blocks) ExtendAll(liveIn[next], flow.Starts[b + 1] - 1);
        }
        return (first, last);

        ulong[][] Bits() => [.. Enumerable.Range(0, blocks).Select(_ => new ulong[words])];
        void Extend(int r, int at) => (first[r], last[r]) = (Math.Min(first[r], at), Math.Max(last[r], at));
        void ExtendAll(ulong[] bits, int at)
        {
            for (var k = 0; k < words; k++)
                for (var left = bits[k]; left != 0; left &= left - 1) Extend(64 * k + BitOperations.TrailingZeroCount(left), at);
        }
        static bool Has(ulong[] bits, int r) => (bits[r >> 6] >> (r & 63) & 1) != 0;
        static void Set(ulong[] bits, int r) => bits[r >> 6] |= 1ul << (r & 63);
    }
}
