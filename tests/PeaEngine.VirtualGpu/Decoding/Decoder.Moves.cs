using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Ptx;

namespace PeaEngine.VirtualGpu.Decoding;

/// <summary>Moves, conversions and predicates.</summary>
sealed unsafe partial class Decoder
{
    bool Move(ref Instr instr, PtxInstruction source, Modifiers modifiers)
    {
        switch (source.Parts[0])
        {
            case "mov": MoveAny(ref instr, source, modifiers.Type()); return true;
            case "cvta": Cvta(ref instr, source, modifiers); return true;
            case "cvt": Convert(ref instr, source, modifiers); return true;
            case "setp": SetPredicate(ref instr, source, modifiers); return true;
            case "selp":
                var type = modifiers.Type();
                Expect(source, 4);
                Put(ref instr, 0, operands.Destination(source.Operands[0], type, source.Line));
                Put(ref instr, 1, operands.Source(source.Operands[1], type, source.Line));
                Put(ref instr, 2, operands.Source(source.Operands[2], type, source.Line));
                Put(ref instr, 3, operands.Predicate(source.Operands[3], source.Line));
                instr.Run = type.Bytes() == 8 ? &Predicates.Select<ulong> : &Predicates.Select<uint>;
                return true;
            case "and" or "or" or "xor" or "not" when source.Parts[^1] == "pred":
                modifiers.Type();
                Put(ref instr, 0, operands.PredicateDestination(source.Operands[0], source.Line));
                for (var k = 1; k < source.Operands.Length; k++) Put(ref instr, k, operands.Predicate(source.Operands[k], source.Line));
                Expect(source, source.Parts[0] == "not" ? 2 : 3);
                instr.Run = source.Parts[0] switch { "and" => &Predicates.And, "or" => &Predicates.Or, "xor" => &Predicates.Xor, _ => &Predicates.Not };
                return true;
            default: return false;
        }
    }

    void MoveAny(ref Instr instr, PtxInstruction source, PtxType type)
    {
        Expect(source, 2);
        var (to, from, line) = (source.Operands[0], source.Operands[1], source.Line);
        if (type == PtxType.Pred)
        {
            Put(ref instr, 0, operands.PredicateDestination(to, line));
            Put(ref instr, 1, operands.Predicate(from, line));
            instr.Run = &Predicates.Move;
        }
        else if (from is PtxOperand.Vector { Elements: var parts })
        {
            instr.Count = parts.Length;
            Put(ref instr, 0, operands.Destination(to, type, line));
            for (var k = 0; k < parts.Length; k++) Put(ref instr, k + 1, operands.Source(parts[k], Part(type, parts.Length, line), line));
            instr.Run = type.Bytes() == 8 ? &Moves.Pack64 : &Moves.Pack32;
        }
        else if (to is PtxOperand.Vector { Elements: var pieces })
        {
            instr.Count = pieces.Length;
            for (var k = 0; k < pieces.Length; k++) Put(ref instr, k, operands.Destination(pieces[k], Part(type, pieces.Length, line), line));
            Put(ref instr, pieces.Length, operands.Source(from, type, line));
            instr.Run = type.Bytes() == 8 ? &Moves.Unpack64 : &Moves.Unpack32;
        }
        else
        {
            Put(ref instr, source, type, type);
            instr.Run = type.Bytes() == 8 ? &Moves.Move64 : &Moves.Move32;
        }
    }

    static PtxType Part(PtxType type, int count, int line) => (type.Bytes(), count) switch
    {
        (4, 2) or (8, 4) => PtxType.B16,
        (8, 2) => PtxType.B32,
        _ => throw new PtxException(line, $"{count} parts of {type}, which is not known"),
    };

    void Cvta(ref Instr instr, PtxInstruction source, Modifiers modifiers)
    {
        var type = modifiers.Type();
        if (type != PtxType.U64) throw modifiers.Unknown();
        var back = modifiers.Take("to");
        var window = modifiers.TakeAny("global", "const", "shared", "shared::cta", "local", "param") switch
        {
            "global" or "const" => 0ul,
            "shared" or "shared::cta" => Cta.SharedWindow,
            "local" => Cta.LocalWindow,
            _ => throw modifiers.Unknown(),
        };
        Put(ref instr, source, type, type);
        instr.Offset = (long)(back ? 0 - window : window);
        instr.Run = window == 0 ? &Moves.Move64 : &Moves.Shift;
    }

    void SetPredicate(ref Instr instr, PtxInstruction source, Modifiers modifiers)
    {
        var type = modifiers.Type();
        var flush = modifiers.Take("ftz");
        var name = modifiers.TakeAny("eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan") ?? throw modifiers.Unknown();
        var joint = modifiers.TakeAny("and", "or", "xor") switch { "and" => Joint.And, "or" => Joint.Or, "xor" => Joint.Xor, _ => Joint.None };
        var (comparison, negated) = (name, type.IsFloat()) switch
        {
            ("eq", _) => (Comparison.Equal, false),
            ("ne", false) or ("neu", true) => (Comparison.Equal, true),
            ("ne", true) => (Comparison.LessOrGreater, false),
            ("equ", true) => (Comparison.LessOrGreater, true),
            ("lt", _) or ("lo", false) => (Comparison.Less, false),
            ("le", _) or ("ls", false) => (Comparison.LessOrEqual, false),
            ("gt", _) or ("hi", false) => (Comparison.Greater, false),
            ("ge", _) or ("hs", false) => (Comparison.GreaterOrEqual, false),
            ("ltu", true) => (Comparison.GreaterOrEqual, true),
            ("leu", true) => (Comparison.Greater, true),
            ("gtu", true) => (Comparison.LessOrEqual, true),
            ("geu", true) => (Comparison.Less, true),
            ("num", true) => (Comparison.Ordered, false),
            ("nan", true) => (Comparison.Ordered, true),
            _ => throw modifiers.Unknown(),
        };
        Expect(source, joint == Joint.None ? 3 : 4);
        var (p, q) = source.Operands[0] is PtxOperand.Pair pair ? (pair.First, pair.Second) : (source.Operands[0], new PtxOperand.Sink());
        Put(ref instr, 0, operands.PredicateDestination(p, source.Line));
        Put(ref instr, 1, operands.PredicateDestination(q, source.Line));
        Put(ref instr, 2, operands.Source(source.Operands[1], type, source.Line));
        Put(ref instr, 3, operands.Source(source.Operands[2], type, source.Line));
        instr.Mode = (int)comparison | (negated ? 8 : 0) | (int)joint << 4;
        if (joint != Joint.None) instr.Detail = operands.Predicate(source.Operands[3], source.Line);
        instr.Run = type switch
        {
            PtxType.F32 when flush => &Predicates.CompareNarrow<WidenFlushed>,
            PtxType.F32 => &Predicates.Compare<float>,
            PtxType.F64 => &Predicates.Compare<double>,
            PtxType.F16 => &Predicates.CompareNarrow<WidenHalf<HalfFormat>>,
            PtxType.BF16 => &Predicates.CompareNarrow<WidenHalf<BFloat16Format>>,
            PtxType.S16 => &Predicates.CompareNarrow<WidenS16>,
            PtxType.U16 or PtxType.B16 => &Predicates.CompareNarrow<WidenU16>,
            PtxType.S32 => &Predicates.Compare<int>,
            PtxType.U32 or PtxType.B32 => &Predicates.Compare<uint>,
            PtxType.S64 => &Predicates.Compare<long>,
            PtxType.U64 or PtxType.B64 => &Predicates.Compare<ulong>,
            _ => throw modifiers.Unknown(),
        };
    }
}
