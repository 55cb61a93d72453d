using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Ptx;

namespace PeaEngine.VirtualGpu.Decoding;

/// <summary>Barriers, and what lanes of a warp do together.</summary>
sealed unsafe partial class Decoder
{
    bool Lanes(ref Instr instr, PtxInstruction source, Modifiers modifiers)
    {
        switch (source.Parts[0])
        {
            case "bar" or "barrier": BarrierSync(ref instr, source, modifiers); return true;
            case "shfl": Shuffle(ref instr, source, modifiers); return true;
            case "vote": Vote(ref instr, source, modifiers); return true;
            case "match": Match(ref instr, source, modifiers); return true;
            case "redux": Reduce(ref instr, source, modifiers); return true;
            case "activemask":
                Put(ref instr, source, modifiers.Type());
                instr.Run = &Warps.ActiveMask;
                return true;
            case "nanosleep":
                modifiers.Type();
                instr.Run = &Control.Nothing;
                return true;
            default: return false;
        }
    }

    void BarrierSync(ref Instr instr, PtxInstruction source, Modifiers modifiers)
    {
        modifiers.Ignore("cta", "aligned");
        if (modifiers.Take("warp"))
        {
            if (!modifiers.Take("sync")) throw modifiers.Unknown();
            Expect(source, 1);
            Put(ref instr, 0, operands.Source(source.Operands[0], PtxType.U32, source.Line));
            instr.Run = &Barriers.WarpSync;
            return;
        }
        var first = 0;
        if (modifiers.Take("red"))
        {
            var type = modifiers.Type();
            instr.Mode = (int)(modifiers.TakeAny("popc", "and", "or") switch { "popc" => Barriers.Reduction.Count, "and" => Barriers.Reduction.And, "or" => Barriers.Reduction.Or, _ => throw modifiers.Unknown() });
            Put(ref instr, 0, type == PtxType.Pred ? operands.PredicateDestination(source.Operands[0], source.Line) : operands.Destination(source.Operands[0], type, source.Line));
            instr.Detail = operands.Predicate(source.Operands[^1], source.Line);
            first = 1;
        }
        else if (!modifiers.Take("sync")) throw modifiers.Unknown();
        var count = source.Operands.Length - 2 * first;
        if (count is < 1 or > 2) throw new PtxException(source.Line, $"`{source.Opcode}` with {source.Operands.Length} operands");
        Put(ref instr, 1, operands.Source(source.Operands[first], PtxType.U32, source.Line));
        Put(ref instr, 2, count == 2 ? operands.Source(source.Operands[first + 1], PtxType.U32, source.Line) : -1);
        instr.Run = &Barriers.Sync;
    }

    void Shuffle(ref Instr instr, PtxInstruction source, Modifiers modifiers)
    {
        if (!modifiers.Take("sync") || modifiers.Type() != PtxType.B32) throw modifiers.Unknown();
        instr.Mode = (int)(modifiers.TakeAny("up", "down", "bfly", "idx") switch
        {
            "up" => Warps.ShuffleMode.Up,
            "down" => Warps.ShuffleMode.Down,
            "bfly" => Warps.ShuffleMode.Butterfly,
            "idx" => Warps.ShuffleMode.Index,
            _ => throw modifiers.Unknown(),
        });
        Expect(source, 5);
        var (d, p) = source.Operands[0] is PtxOperand.Pair pair ? (pair.First, pair.Second) : (source.Operands[0], new PtxOperand.Sink());
        Put(ref instr, 0, operands.Destination(d, PtxType.B32, source.Line));
        Put(ref instr, 1, operands.PredicateDestination(p, source.Line));
        for (var k = 1; k < 5; k++) Put(ref instr, k + 1, operands.Source(source.Operands[k], PtxType.B32, source.Line));
        instr.Run = &Warps.Shuffle;
    }

    void Vote(ref Instr instr, PtxInstruction source, Modifiers modifiers)
    {
        var type = modifiers.Type();
        if (!modifiers.Take("sync")) throw modifiers.Unknown();
        instr.Mode = (int)(modifiers.TakeAny("all", "any", "uni", "ballot") switch
        {
            "all" => Warps.VoteMode.All,
            "any" => Warps.VoteMode.Any,
            "uni" => Warps.VoteMode.Uniform,
            "ballot" => Warps.VoteMode.Ballot,
            _ => throw modifiers.Unknown(),
        });
        Expect(source, 3);
        Put(ref instr, 0, type == PtxType.Pred ? operands.PredicateDestination(source.Operands[0], source.Line) : operands.Destination(source.Operands[0], type, source.Line));
        Put(ref instr, 1, operands.Predicate(source.Operands[1], source.Line));
        Put(ref instr, 2, operands.Source(source.Operands[2], PtxType.B32, source.Line));
        instr.Run = &Warps.Vote;
    }

    void Match(ref Instr instr, PtxInstruction source, Modifiers modifiers)
    {
        var type = modifiers.Type();
        if (!modifiers.Take("sync")) throw modifiers.Unknown();
        instr.Mode = modifiers.TakeAny("all", "any") switch { "all" => 1, "any" => 0, _ => throw modifiers.Unknown() };
        instr.Width = type.Bytes();
        Expect(source, 3);
        var (d, p) = source.Operands[0] is PtxOperand.Pair pair ? (pair.First, pair.Second) : (source.Operands[0], new PtxOperand.Sink());
        Put(ref instr, 0, operands.Destination(d, PtxType.B32, source.Line));
        Put(ref instr, 1, operands.PredicateDestination(p, source.Line));
        Put(ref instr, 2, operands.Source(source.Operands[1], type, source.Line));
        Put(ref instr, 3, operands.Source(source.Operands[2], PtxType.B32, source.Line));
        instr.Run = &Warps.Match;
    }

    void Reduce(ref Instr instr, PtxInstruction source, Modifiers modifiers)
    {
        var type = modifiers.Type();
        if (!modifiers.Take("sync")) throw modifiers.Unknown();
        instr.Mode = (int)((modifiers.TakeAny("add", "min", "max", "and", "or", "xor"), type) switch
        {
            ("add", PtxType.U32 or PtxType.S32) => Warps.ReduceMode.Add,
            ("min", PtxType.S32) => Warps.ReduceMode.MinS32,
            ("max", PtxType.S32) => Warps.ReduceMode.MaxS32,
            ("min", PtxType.U32) => Warps.ReduceMode.MinU32,
            ("max", PtxType.U32) => Warps.ReduceMode.MaxU32,
            ("and", PtxType.B32) => Warps.ReduceMode.And,
            ("or", PtxType.B32) => Warps.ReduceMode.Or,
            ("xor", PtxType.B32) => Warps.ReduceMode.Xor,
            _ => throw modifiers.Unknown(),
        });
        Put(ref instr, source, PtxType.B32, PtxType.B32, PtxType.B32);
        instr.Run = &Warps.Reduce;
    }
}
