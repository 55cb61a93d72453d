using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Ptx;

namespace PeaEngine.VirtualGpu.Decoding;

/// <summary>Matrix products, the loads for them, and asynchronous copies.</summary>
sealed unsafe partial class Decoder
{
    bool Matrix(ref Instr instr, PtxInstruction source, Modifiers modifiers)
    {
        switch (source.Parts[0])
        {
            case "mma": MatrixProduct(ref instr, source, modifiers); return true;
            case "ldmatrix": MatrixLoad(ref instr, source, modifiers); return true;
            case "cp": AsyncCopy(ref instr, source, modifiers); return true;
            default: return false;
        }
    }

    void MatrixProduct(ref Instr instr, PtxInstruction source, Modifiers modifiers)
    {
        if (!modifiers.Take("sync") || !modifiers.Take("aligned") || !modifiers.Take("row") || !modifiers.Take("col")) throw modifiers.Unknown();
        var shape = modifiers.TakeAny("m16n8k16", "m16n8k8") ?? throw modifiers.Unknown();
        var (c, b, a, d) = (modifiers.Type(), modifiers.Type(), modifiers.Type(), modifiers.Type());
        if (a != b || c != d || c is not (PtxType.F32 or PtxType.F16) || c == PtxType.F16 && a != PtxType.F16) throw modifiers.Unknown();
        instr.Mode = c == PtxType.F16 ? 1 : 0;
        instr.Run = (shape, a) switch
        {
            ("m16n8k16", PtxType.F16) => &Mma.Half16<WidenHalves>,
            ("m16n8k16", PtxType.BF16) => &Mma.Half16<WidenBFloat16>,
            ("m16n8k8", PtxType.F16) => &Mma.Half8<WidenHalves>,
            ("m16n8k8", PtxType.BF16) => &Mma.Half8<WidenBFloat16>,
            ("m16n8k8", PtxType.TF32) => &Mma.Tf32,
            _ => throw modifiers.Unknown(),
        };
        Expect(source, 4);
        var ofA = shape == "m16n8k16" || a == PtxType.TF32 ? 4 : 2;
        int[] counts = [c == PtxType.F16 ? 2 : 4, ofA, ofA / 2, c == PtxType.F16 ? 2 : 4];
        var at = 0;
        for (var k = 0; k < 4; k++)
            foreach (var element in Elements(source, source.Operands[k], counts[k]))
            {
                var place = k == 0 ? operands.Destination(element, PtxType.B32, source.Line) : operands.Source(element, PtxType.B32, source.Line);
                Put(ref instr, at++, place >= 0 ? place : throw new PtxException(source.Line, "a result that nobody wants"));
            }
    }

    void MatrixLoad(ref Instr instr, PtxInstruction source, Modifiers modifiers)
    {
        if (!modifiers.Take("sync") || !modifiers.Take("aligned") || !modifiers.Take("m8n8") || modifiers.Type() != PtxType.B16 || Space(modifiers) != PtxSpace.Shared) throw modifiers.Unknown();
        instr.Count = modifiers.TakeAny("x1", "x2", "x4") switch { "x1" => 1, "x2" => 2, "x4" => 4, _ => throw modifiers.Unknown() };
        instr.Mode = modifiers.Take("trans") ? 1 : 0;
        Expect(source, 2);
        var registers = Elements(source, source.Operands[0], instr.Count);
        for (var k = 0; k < instr.Count; k++) Put(ref instr, k, operands.Destination(registers[k], PtxType.B32, source.Line));
        Address(ref instr, source, source.Operands[1], PtxSpace.Shared);
        instr.Run = &LdMatrix.Run;
    }

    void AsyncCopy(ref Instr instr, PtxInstruction source, Modifiers modifiers)
    {
        if (!modifiers.Take("async")) throw modifiers.Unknown();
        if (modifiers.TakeAny("commit_group", "wait_all", "wait_group") is { } group)
        {
            Expect(source, group == "wait_group" ? 1 : 0);
            instr.Run = group == "commit_group" ? &AsyncCopies.Commit : &AsyncCopies.Wait;
            instr.Mode = group == "wait_group" ? (int)Number(source, 0) : -1;
            return;
        }
        var everywhere = modifiers.TakeAny("ca", "cg") switch { "ca" => true, "cg" => false, _ => throw modifiers.Unknown() };
        if (modifiers.TakeAny("shared", "shared::cta") is null || !modifiers.Take("global")) throw modifiers.Unknown();
        modifiers.IgnoreScoped("L2::");
        if (source.Operands.Length is not (3 or 4)) throw new PtxException(source.Line, $"`{source.Opcode}` with {source.Operands.Length} operands, expected 3 or 4");
        instr.Width = (int)Number(source, 2);
        if (instr.Width is not (4 or 8 or 16) || !everywhere && instr.Width != 16) throw new PtxException(source.Line, $"cp.async of {instr.Width} bytes");
        var last = source.Operands.Length == 4 ? source.Operands[3] : null;
        var ignores = last is not null && operands.Declared(last) == PtxType.Pred;
        Put(ref instr, 0, last is null || ignores ? -1 : operands.Source(last, PtxType.U32, source.Line));
        Put(ref instr, 1, ignores ? operands.Predicate(last!, source.Line) : -1);
        Address(ref instr, source, source.Operands[1], PtxSpace.Global, GlobalMemory.AddressAt + 1);
        instr.Target = checked((int)instr.Offset);
        Address(ref instr, source, source.Operands[0], PtxSpace.Shared);
        granuleShift = Math.Min(granuleShift, int.Log2(instr.Width));
        instr.Run = &AsyncCopies.Copy;
    }

    static ulong Number(PtxInstruction source, int operand) =>
        source.Operands[operand] is PtxOperand.Immediate { Kind: ImmediateKind.Integer, Bits: < 1 << 16 and var bits } ? bits : throw new PtxException(source.Line, $"`{source.Opcode}` without a number");
}
