using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Ptx;

namespace PeaEngine.VirtualGpu.Decoding;

/// <summary>Logic, shifts and fields of bits.</summary>
sealed unsafe partial class Decoder
{
    bool Bits(ref Instr instr, PtxInstruction source, Modifiers modifiers)
    {
        var name = source.Parts[0];
        if (name is not ("and" or "or" or "xor" or "not" or "cnot" or "shl" or "shr" or "shf" or "lop3" or "prmt" or "bfe" or "bfi" or "bfind" or "brev" or "popc" or "clz" or "dp4a")) return false;
        var type = modifiers.Type();
        var wide = type.Bytes() == 8;
        switch (name)
        {
            case "and": instr.Run = wide ? &Alu.Binary<ulong, And<ulong>> : &Alu.Binary<uint, And<uint>>; break;
            case "or": instr.Run = wide ? &Alu.Binary<ulong, Or<ulong>> : &Alu.Binary<uint, Or<uint>>; break;
            case "xor": instr.Run = wide ? &Alu.Binary<ulong, Xor<ulong>> : &Alu.Binary<uint, Xor<uint>>; break;
            case "not": instr.Run = wide ? &Alu.Unary<ulong, Not<ulong>> : &Alu.Unary<uint, Not<uint>>; break;
            case "cnot": instr.Run = wide ? &Alu.Unary<ulong, LogicalNot<ulong>> : &Alu.Unary<uint, LogicalNot<uint>>; break;
            case "shl":
                instr.Run = type.Bytes() switch
                {
                    2 => &Alu.Each<uint, uint, uint, ShiftLeft16>,
                    4 => &Alu.Binary<uint, ShiftLeft32>,
                    _ => &Alu.Each<ulong, ulong, uint, ShiftLeft64>,
                };
                break;
            case "shr" when type.IsSigned():
                instr.Run = type.Bytes() switch
                {
                    2 => &Alu.Each<uint, uint, uint, ShiftRightSigned16>,
                    4 => &Alu.Binary<int, ShiftRightSigned32>,
                    _ => &Alu.Each<long, long, uint, ShiftRightSigned64>,
                };
                break;
            case "shr":
                instr.Run = type.Bytes() switch
                {
                    2 => &Alu.Each<uint, uint, uint, ShiftRight16>,
                    4 => &Alu.Binary<uint, ShiftRight32>,
                    _ => &Alu.Each<ulong, ulong, uint, ShiftRight64>,
                };
                break;
            case "shf":
                instr.Run = (modifiers.TakeAny("l", "r"), modifiers.TakeAny("wrap", "clamp")) switch
                {
                    ("l", "wrap") => &Alu.Each<uint, uint, uint, uint, FunnelLeft<Wrap>>,
                    ("l", "clamp") => &Alu.Each<uint, uint, uint, uint, FunnelLeft<Clamp>>,
                    ("r", "wrap") => &Alu.Each<uint, uint, uint, uint, FunnelRight<Wrap>>,
                    ("r", "clamp") => &Alu.Each<uint, uint, uint, uint, FunnelRight<Clamp>>,
                    _ => throw modifiers.Unknown(),
                };
                break;
            case "lop3": instr.Run = &Lop3.Run; break;
            case "prmt": instr.Run = &Alu.Each<uint, uint, uint, uint, Permute>; break;
            case "bfe":
                instr.Run = type switch
                {
                    PtxType.U32 => &Alu.Each<uint, uint, uint, uint, ExtractBits<uint>>,
                    PtxType.S32 => &Alu.Each<int, int, uint, uint, ExtractBits<int>>,
                    PtxType.U64 => &Alu.Each<ulong, ulong, uint, uint, ExtractBits<ulong>>,
                    PtxType.S64 => &Alu.Each<long, long, uint, uint, ExtractBits<long>>,
                    _ => throw modifiers.Unknown(),
                };
                break;
            case "bfi": instr.Run = wide ? &InsertBits.Run<ulong> : &InsertBits.Run<uint>; break;
            case "bfind":
                instr.Run = (type, modifiers.Take("shiftamt")) switch
                {
                    (PtxType.U32, false) => &Alu.Each<uint, uint, FindBit<uint>>,
                    (PtxType.S32, false) => &Alu.Each<uint, int, FindBit<int>>,
                    (PtxType.U64, false) => &Alu.Each<uint, ulong, FindBit<ulong>>,
                    (PtxType.S64, false) => &Alu.Each<uint, long, FindBit<long>>,
                    (PtxType.U32, true) => &Alu.Each<uint, uint, FindBitShift<uint>>,
                    (PtxType.S32, true) => &Alu.Each<uint, int, FindBitShift<int>>,
                    (PtxType.U64, true) => &Alu.Each<uint, ulong, FindBitShift<ulong>>,
                    (PtxType.S64, true) => &Alu.Each<uint, long, FindBitShift<long>>,
                    _ => throw modifiers.Unknown(),
                };
                break;
            case "brev": instr.Run = wide ? &Alu.Each<ulong, ulong, Reverse64> : &Alu.Each<uint, uint, Reverse32>; break;
            case "popc": instr.Run = wide ? &Alu.Each<uint, ulong, PopCount<ulong>> : &Alu.Each<uint, uint, PopCount<uint>>; break;
            case "clz": instr.Run = wide ? &Alu.Each<uint, ulong, LeadingZeros<ulong>> : &Alu.Each<uint, uint, LeadingZeros<uint>>; break;
            case "dp4a":
                instr.Run = (modifiers.Type(), type) switch
                {
                    (PtxType.S32, PtxType.S32) => &Alu.Each<uint, uint, uint, uint, DotBytes<LowSignedByte, LowSignedByte>>,
                    (PtxType.U32, PtxType.U32) => &Alu.Each<uint, uint, uint, uint, DotBytes<LowByte, LowByte>>,
                    (PtxType.S32, PtxType.U32) => &Alu.Each<uint, uint, uint, uint, DotBytes<LowSignedByte, LowByte>>,
                    _ => &Alu.Each<uint, uint, uint, uint, DotBytes<LowByte, LowSignedByte>>,
                };
                break;
        }
        switch (name)
        {
            case "and" or "or" or "xor": Put(ref instr, source, type, type, type); break;
            case "not" or "cnot" or "brev": Put(ref instr, source, type, type); break;
            case "shl" or "shr": Put(ref instr, source, type, type, PtxType.U32); break;
            case "shf" or "prmt" or "dp4a": Put(ref instr, source, PtxType.U32, PtxType.U32, PtxType.U32, PtxType.U32); break;
            case "bfe": Put(ref instr, source, type, type, PtxType.U32, PtxType.U32); break;
            case "lop3": Lop3Operands(ref instr, source); break;
            case "bfi": Put(ref instr, source, type, type, type, PtxType.U32, PtxType.U32); break;
            default: Put(ref instr, source, PtxType.U32, type); break;
        }
        return true;
    }

    void Lop3Operands(ref Instr instr, PtxInstruction source)
    {
        Expect(source, 5);
        if (source.Operands[4] is not PtxOperand.Immediate { Bits: < 256 and var table }) throw new PtxException(source.Line, "lop3 without a table of 8 bits");
        Put(ref instr, 0, operands.Destination(source.Operands[0], PtxType.B32, source.Line));
        for (var k = 1; k < 4; k++) Put(ref instr, k, operands.Source(source.Operands[k], PtxType.B32, source.Line));
        instr.Mode = (int)table;
    }
}
