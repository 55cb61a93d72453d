using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Ptx;
using static PeaEngine.VirtualGpu.Ptx.PtxType;
using unsafe Execute = delegate*<PeaEngine.VirtualGpu.Machine.Warp, PeaEngine.VirtualGpu.Machine.Instr*, void>;

namespace PeaEngine.VirtualGpu.Decoding;

/// <summary>Integer arithmetic.</summary>
sealed unsafe partial class Decoder
{
    bool Integer(ref Instr instr, PtxInstruction source, Modifiers modifiers)
    {
        var name = source.Parts[0];
        if (name is not ("add" or "sub" or "mul" or "mad" or "div" or "rem" or "min" or "max" or "neg" or "abs" or "sad")) return false;
        if (!PtxTypes.TryParse(source.Parts[^1], out var type) || type.IsFloat()) return false;
        modifiers.Type();
        var form = modifiers.TakeAny("lo", "hi", "wide");
        instr.Run = IntegerOf(form is null ? name : $"{name}.{form}", type);
        if (instr.Run == null) throw modifiers.Unknown();
        var wide = form != "wide" ? type : type.Bytes() == 2 ? PtxType.U32 : PtxType.U64;
        switch (name)
        {
            case "neg" or "abs": Put(ref instr, source, wide, type); break;
            case "mad": Put(ref instr, source, wide, type, type, wide); break;
            case "sad": Put(ref instr, source, type, type, type, type); break;
            default: Put(ref instr, source, wide, type, type); break;
        }
        return true;
    }

    /// <summary>What executes an operation, or null. mul24 and carries are not among what NVRTC emits.</summary>
    static Execute IntegerOf(string operation, PtxType type) => (operation, type) switch
    {
        ("add", U16 or S16) => &Alu.Each<uint, uint, uint, Unsigned16<AddAny>>,
        ("add", U32 or S32) => &Alu.Binary<uint, Add<uint>>,
        ("add", U64 or S64) => &Alu.Binary<ulong, Add<ulong>>,
        ("sub", U16 or S16) => &Alu.Each<uint, uint, uint, Unsigned16<SubAny>>,
        ("sub", U32 or S32) => &Alu.Binary<uint, Sub<uint>>,
        ("sub", U64 or S64) => &Alu.Binary<ulong, Sub<ulong>>,
        ("mul.lo", U16 or S16) => &Alu.Each<uint, uint, uint, Unsigned16<MulAny>>,
        ("mul.lo", U32 or S32) => &Alu.Binary<uint, Mul<uint>>,
        ("mul.lo", U64 or S64) => &Alu.Binary<ulong, Mul<ulong>>,
        ("mul.hi", U16) => &Alu.Each<uint, uint, uint, Unsigned16<MulHighAny>>,
        ("mul.hi", S16) => &Alu.Each<uint, uint, uint, Signed16<MulHighAny>>,
        ("mul.hi", U32) => &Alu.Each<uint, uint, uint, MulHighU32>,
        ("mul.hi", S32) => &Alu.Each<int, int, int, MulHighS32>,
        ("mul.hi", U64) => &Alu.Each<ulong, ulong, ulong, MulHighU64>,
        ("mul.hi", S64) => &Alu.Each<long, long, long, MulHighS64>,
        ("mul.wide", U16) => &Alu.Each<uint, uint, uint, MulWideU16>,
        ("mul.wide", S16) => &Alu.Each<int, int, int, MulWideS16>,
        ("mul.wide", U32) => &Moves.MulWideU32,
        ("mul.wide", S32) => &Moves.MulWideS32,
        ("mad.lo", U16 or S16) => &Alu.Each<uint, uint, uint, uint, Unsigned16<MulAddAny>>,
        ("mad.lo", U32 or S32) => &Alu.Ternary<uint, MulAdd<uint>>,
        ("mad.lo", U64 or S64) => &Alu.Ternary<ulong, MulAdd<ulong>>,
        ("mad.hi", U32) => &Alu.Each<uint, uint, uint, uint, MulAddHighU32>,
        ("mad.hi", S32) => &Alu.Each<int, int, int, int, MulAddHighS32>,
        ("mad.wide", U32) => &Alu.Each<ulong, uint, uint, ulong, MulAddWideU32>,
        ("mad.wide", S32) => &Alu.Each<long, int, int, long, MulAddWideS32>,
        ("div", U16) => &Alu.Each<uint, uint, uint, Unsigned16<DivAny>>,
        ("div", S16) => &Alu.Each<uint, uint, uint, Signed16<DivAny>>,
        ("div", U32) => &Alu.Each<uint, uint, uint, Div<uint>>,
        ("div", S32) => &Alu.Each<int, int, int, Div<int>>,
        ("div", U64) => &Alu.Each<ulong, ulong, ulong, Div<ulong>>,
        ("div", S64) => &Alu.Each<long, long, long, Div<long>>,
        ("rem", U16) => &Alu.Each<uint, uint, uint, Unsigned16<RemAny>>,
        ("rem", S16) => &Alu.Each<uint, uint, uint, Signed16<RemAny>>,
        ("rem", U32) => &Alu.Each<uint, uint, uint, Rem<uint>>,
        ("rem", S32) => &Alu.Each<int, int, int, Rem<int>>,
        ("rem", U64) => &Alu.Each<ulong, ulong, ulong, Rem<ulong>>,
        ("rem", S64) => &Alu.Each<long, long, long, Rem<long>>,
        ("min", U16) => &Alu.Each<uint, uint, uint, Unsigned16<MinAny>>,
        ("min", S16) => &Alu.Each<uint, uint, uint, Signed16<MinAny>>,
        ("min", U32) => &Alu.Binary<uint, Min<uint>>,
        ("min", S32) => &Alu.Binary<int, Min<int>>,
        ("min", U64) => &Alu.Binary<ulong, Min<ulong>>,
        ("min", S64) => &Alu.Binary<long, Min<long>>,
        ("max", U16) => &Alu.Each<uint, uint, uint, Unsigned16<MaxAny>>,
        ("max", S16) => &Alu.Each<uint, uint, uint, Signed16<MaxAny>>,
        ("max", U32) => &Alu.Binary<uint, Max<uint>>,
        ("max", S32) => &Alu.Binary<int, Max<int>>,
        ("max", U64) => &Alu.Binary<ulong, Max<ulong>>,
        ("max", S64) => &Alu.Binary<long, Max<long>>,
        ("neg", S16) => &Alu.Each<uint, uint, Signed16<NegAny>>,
        ("neg", S32) => &Alu.Unary<uint, Neg<uint>>,
        ("neg", S64) => &Alu.Unary<ulong, Neg<ulong>>,
        ("abs", S16) => &Alu.Each<uint, uint, Signed16<AbsAny>>,
        ("abs", S32) => &Alu.Unary<int, Abs<int>>,
        ("abs", S64) => &Alu.Unary<long, Abs<long>>,
        ("sad", U32) => &Alu.Each<uint, uint, uint, uint, SumOfDifferences<uint>>,
        ("sad", S32) => &Alu.Each<int, int, int, int, SumOfDifferences<int>>,
        _ => null,
    };
}
