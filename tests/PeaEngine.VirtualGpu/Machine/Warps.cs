namespace PeaEngine.VirtualGpu.Machine;

/// <summary>Instructions by which the lanes of a warp exchange values. Every lane that a mask names and that still lives must take part.</summary>
static unsafe class Warps
{
    public enum ShuffleMode { Up, Down, Butterfly, Index }

    public enum VoteMode { All, Any, Uniform, Ballot }

    public enum ReduceMode { Add, MinS32, MaxS32, MinU32, MaxU32, And, Or, Xor }

    /// <summary>The lanes that execute, which must be those that the mask register names.</summary>
    public static uint Expect(Warp w, Instr* i, int maskRegister)
    {
        var lanes = w.Mask(i);
        for (var left = lanes; left != 0; left &= left - 1)
        {
            var lane = Warp.First(left);
            var named = w.Lanes<uint>(maskRegister)[lane];
            if ((named >> lane & 1) == 0) throw w.Trap(i, $"the mask {named:x8} does not name the lane that executes it", lane);
            if ((named & w.Live & ~lanes) != 0) throw w.Trap(i, $"the mask {named:x8} names lanes {named & w.Live & ~lanes:x8}, which are elsewhere: only {lanes:x8} are here", lane);
        }
        return lanes;
    }

    /// <summary><c>shfl.sync</c>. R: d, p or −1, a, b, c, mask.</summary>
    public static void Shuffle(Warp w, Instr* i)
    {
        var lanes = Expect(w, i, i->R[5]);
        uint* d = w.Lanes<uint>(i->R[0]), a = w.Lanes<uint>(i->R[2]), b = w.Lanes<uint>(i->R[3]), c = w.Lanes<uint>(i->R[4]);
        var result = stackalloc uint[32];
        uint inRange = 0;
        for (var left = lanes; left != 0; left &= left - 1)
        {
            var lane = Warp.First(left);
            int by = (int)(b[lane] & 31), clamp = (int)(c[lane] & 31), segment = (int)(c[lane] >> 8 & 31);
            int least = lane & segment, most = least | clamp & ~segment;
            var (from, inside) = (ShuffleMode)i->Mode switch
            {
                ShuffleMode.Up => (lane - by, lane - by >= most),
                ShuffleMode.Down => (lane + by, lane + by <= most),
                ShuffleMode.Butterfly => (lane ^ by, (lane ^ by) <= most),
                _ => (least | by & ~segment, (least | by & ~segment) <= most),
            };
            if (!inside) from = lane;
            else inRange |= 1u << lane;
            if ((lanes >> from & 1) == 0) throw w.Trap(i, $"reads lane {from}, which does not take part", lane);
            result[lane] = a[from];
        }
        for (var left = lanes; left != 0; left &= left - 1) d[Warp.First(left)] = result[Warp.First(left)];
        if (i->R[1] >= 0) Predicates.Put(w, i->R[1], inRange, lanes);
    }

    /// <summary><c>vote.sync</c>. R: d, predicate, mask.</summary>
    public static void Vote(Warp w, Instr* i)
    {
        var lanes = Expect(w, i, i->R[2]);
        var votes = Predicates.Value(w, i->R[1]) & lanes;
        if ((VoteMode)i->Mode == VoteMode.Ballot) Fill(w, i->R[0], votes, lanes);
        else Predicates.Put(w, i->R[0], (VoteMode)i->Mode switch { VoteMode.All => votes == lanes, VoteMode.Any => votes != 0, _ => votes == lanes || votes == 0 } ? Warp.Full : 0, lanes);
    }

    /// <summary><c>match.sync</c>. R: d, p or −1, a, mask; Mode: 1 if all must match; Width: bytes.</summary>
    public static void Match(Warp w, Instr* i)
    {
        var lanes = Expect(w, i, i->R[3]);
        var result = stackalloc uint[32];
        for (var left = lanes; left != 0; left &= left - 1)
            for (var other = lanes; other != 0; other &= other - 1)
                if (Value(Warp.First(left)) == Value(Warp.First(other))) result[Warp.First(left)] |= 1u << Warp.First(other);
        var all = lanes == 0 || result[Warp.First(lanes)] == lanes;
        for (var left = lanes; left != 0; left &= left - 1) w.Lanes<uint>(i->R[0])[Warp.First(left)] = i->Mode == 0 ? result[Warp.First(left)] : all ? lanes : 0;
        if (i->R[1] >= 0) Predicates.Put(w, i->R[1], all ? Warp.Full : 0, lanes);
        ulong Value(int lane) => i->Width == 8 ? w.Lanes<ulong>(i->R[2])[lane] : w.Lanes<uint>(i->R[2])[lane];
    }

    /// <summary><c>redux.sync</c>. R: d, a, mask.</summary>
    public static void Reduce(Warp w, Instr* i)
    {
        var lanes = Expect(w, i, i->R[2]);
        if (lanes == 0) return;
        var a = w.Lanes<uint>(i->R[1]);
        var result = a[Warp.First(lanes)];
        for (var left = lanes & lanes - 1; left != 0; left &= left - 1)
        {
            var b = a[Warp.First(left)];
            result = (ReduceMode)i->Mode switch
            {
                ReduceMode.Add => result + b,
                ReduceMode.MinS32 => (uint)Math.Min((int)result, (int)b),
                ReduceMode.MaxS32 => (uint)Math.Max((int)result, (int)b),
                ReduceMode.MinU32 => Math.Min(result, b),
                ReduceMode.MaxU32 => Math.Max(result, b),
                ReduceMode.And => result & b,
                ReduceMode.Or => result | b,
                _ => result ^ b,
            };
        }
        Fill(w, i->R[0], result, lanes);
    }

    /// <summary><c>activemask</c>. R: d.</summary>
    public static void ActiveMask(Warp w, Instr* i) => Fill(w, i->R[0], w.Active, w.Mask(i));

    static void Fill(Warp w, int register, uint value, uint lanes)
    {
        for (var left = lanes; left != 0; left &= left - 1) w.Lanes<uint>(register)[Warp.First(left)] = value;
    }
}
