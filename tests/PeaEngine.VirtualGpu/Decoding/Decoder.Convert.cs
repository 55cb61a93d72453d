using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Ptx;

namespace PeaEngine.VirtualGpu.Decoding;

/// <summary>Conversions: the frequent ones by vectors, all others lane by lane.</summary>
sealed unsafe partial class Decoder
{
    void Convert(ref Instr instr, PtxInstruction source, Modifiers modifiers)
    {
        var from = modifiers.Type();
        var to = modifiers.Type();
        if (to is PtxType.F16x2 or PtxType.BF16x2)
        {
            ConvertPair(ref instr, source, modifiers, to, from);
            return;
        }
        if (to == PtxType.TF32)
        {
            if (from != PtxType.F32 || !modifiers.Take("rna")) throw modifiers.Unknown();
            Put(ref instr, source, PtxType.B32, PtxType.F32);
            instr.Run = &Conversions.ToTf32;
            return;
        }
        if (from is PtxType.F16x2 or PtxType.BF16x2 or PtxType.TF32 or PtxType.Pred || to == PtxType.Pred) throw modifiers.Unknown();
        var toInteger = Array.Exists(source.Parts, part => part is "rni" or "rzi" or "rmi" or "rpi");
        var mode = new ConversionMode(to, from, modifiers.Rounding() ?? RoundingMode.Nearest, toInteger, modifiers.Take("sat"), modifiers.Take("ftz"), modifiers.Take("relu"));
        Expect(source, 2);
        // A register may be wider than the type of it that is used.
        var (wideTo, wideFrom) = (Wide(source.Operands[0], to), Wide(source.Operands[1], from));
        Put(ref instr, 0, operands.Destination(source.Operands[0], wideTo ? PtxType.B64 : PtxType.B32, source.Line));
        Put(ref instr, 1, operands.Source(source.Operands[1], source.Operands[1] is PtxOperand.Immediate ? from : wideFrom ? PtxType.B64 : PtxType.B32, source.Line));
        if (operands.Declared(source.Operands[0]) is PtxType.B16 or PtxType.S16 or PtxType.U16) instr.Count = 2;
        instr.Width = wideFrom ? 8 : 4;
        instr.Detail = wideTo ? 8 : 4;
        instr.Mode = conversions.Count;
        conversions.Add(mode);
        var isWider = wideFrom != (from.Bytes() == 8) || wideTo != (to.Bytes() == 8);
        instr.Run = (to, from, mode) switch
        {
            _ when isWider => &Conversions.Any,
            (PtxType.U64 or PtxType.S64 or PtxType.B64, PtxType.U32 or PtxType.B32, { Saturate: false }) => &Conversions.Widen<uint, ulong, ZeroExtend>,
            (PtxType.U64 or PtxType.S64 or PtxType.B64, PtxType.S32, { Saturate: false }) => &Conversions.Widen<int, long, SignExtend>,
            (PtxType.F32, PtxType.S32, { Rounding: RoundingMode.Nearest, Saturate: false }) => &Alu.Each<float, int, SingleOfS32>,
            (PtxType.F32, PtxType.U32, { Rounding: RoundingMode.Nearest, Saturate: false }) => &Alu.Each<float, uint, SingleOfU32>,
            (PtxType.F32, PtxType.F16, { Saturate: false }) => &Alu.Each<float, uint, WidenHalf<HalfFormat>>,
            (PtxType.F32, PtxType.BF16, { Saturate: false }) => &Alu.Each<float, uint, WidenHalf<BFloat16Format>>,
            (PtxType.F16, PtxType.F32, { Rounding: RoundingMode.Nearest, Saturate: false, Relu: false, Flush: false }) => &Alu.Each<uint, float, HalfOfSingle>,
            _ => &Conversions.Any,
        };
    }

    /// <summary>The modes of conversions, by <see cref="Instr.Mode"/>.</summary>
    readonly List<ConversionMode> conversions = [];

    bool Wide(PtxOperand operand, PtxType type) => (operands.Declared(operand) ?? type).Bytes() == 8;

    void ConvertPair(ref Instr instr, PtxInstruction source, Modifiers modifiers, PtxType to, PtxType from)
    {
        if (from != PtxType.F32) throw modifiers.Unknown();
        var mode = new ConversionMode(to == PtxType.F16x2 ? PtxType.F16 : PtxType.BF16, from, modifiers.Rounding() ?? RoundingMode.Nearest, false, modifiers.Take("sat"), modifiers.Take("ftz"), modifiers.Take("relu"));
        Put(ref instr, source, PtxType.B32, PtxType.F32, PtxType.F32);
        instr.Mode = conversions.Count;
        conversions.Add(mode);
        instr.Run = mode is { To: PtxType.F16, Rounding: RoundingMode.Nearest, Saturate: false, Relu: false } ? &Conversions.HalfPair : &Conversions.AnyPair;
    }
}
