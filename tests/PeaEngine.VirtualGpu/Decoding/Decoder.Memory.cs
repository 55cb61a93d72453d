using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Ptx;

namespace PeaEngine.VirtualGpu.Decoding;

/// <summary>Loads, stores and atomics.</summary>
sealed unsafe partial class Decoder
{
    bool Memory(ref Instr instr, PtxInstruction source, Modifiers modifiers)
    {
        switch (source.Parts[0])
        {
            case "ld" or "ldu": Load(ref instr, source, modifiers); return true;
            case "st": Store(ref instr, source, modifiers); return true;
            case "atom" or "red": Atomic(ref instr, source, modifiers); return true;
            case "membar" or "fence":
                modifiers.Ignore("cta", "gl", "sys", "gpu", "sc", "acq_rel");
                instr.Run = &Control.Nothing;
                return true;
            case "prefetch" or "prefetchu":
                modifiers.Ignore("global", "local", "L1", "L2");
                instr.Run = &Control.Nothing;
                return true;
            default: return false;
        }
    }

    void Load(ref Instr instr, PtxInstruction source, Modifiers modifiers)
    {
        var (space, type) = Access(ref instr, source, modifiers, source.Operands.Length == 2 ? source.Operands[1] : throw new PtxException(source.Line, "a load without an address"));
        var registers = Elements(source, source.Operands[0], instr.Count);
        for (var k = 0; k < instr.Count; k++)
        {
            var wide = Wide(registers[k], type);
            Put(ref instr, k, operands.Destination(registers[k], wide ? PtxType.B64 : PtxType.B32, source.Line));
            if (registers[k] is PtxOperand.Sink) continue;
            if (type.Bytes() == 8 && !wide) throw new PtxException(source.Line, $"a load of {type} into 32 bits");
            instr.Mode |= (wide ? Transfer.Wide : 0) | (operands.Declared(registers[k]) is { } declared && declared.Bytes() == 2 ? Transfer.Narrow : 0);
        }
        if (type.IsSigned()) instr.Mode |= Transfer.Signed;
        instr.Run = space switch
        {
            PtxSpace.Global or PtxSpace.Const => &GlobalMemory.Load,
            PtxSpace.Shared => &SharedAccess.Load,
            PtxSpace.Local => &OtherMemory.LoadLocal,
            PtxSpace.Param => &OtherMemory.LoadParameter,
            _ => &OtherMemory.LoadGeneric,
        };
    }

    void Store(ref Instr instr, PtxInstruction source, Modifiers modifiers)
    {
        var (space, type) = Access(ref instr, source, modifiers, source.Operands.Length == 2 ? source.Operands[0] : throw new PtxException(source.Line, "a store without a value"));
        var registers = Elements(source, source.Operands[1], instr.Count);
        for (var k = 0; k < instr.Count; k++)
        {
            var wide = Wide(registers[k], type);
            if (type.Bytes() == 8 && !wide) throw new PtxException(source.Line, $"a store of {type} from 32 bits");
            Put(ref instr, k, operands.Source(registers[k], registers[k] is PtxOperand.Immediate ? type : wide ? PtxType.B64 : PtxType.B32, source.Line));
            instr.Mode |= wide ? Transfer.Wide : 0;
        }
        instr.Run = space switch
        {
            PtxSpace.Global => &GlobalMemory.Store,
            PtxSpace.Shared => &SharedAccess.Store,
            PtxSpace.Local => &OtherMemory.StoreLocal,
            null => &OtherMemory.StoreGeneric,
            _ => throw modifiers.Unknown(),
        };
    }

    /// <summary>Takes what loads and stores have in common: space, hints, width, count and address.</summary>
    (PtxSpace?, PtxType) Access(ref Instr instr, PtxInstruction source, Modifiers modifiers, PtxOperand address)
    {
        var type = modifiers.Type();
        if (type is PtxType.Pred or PtxType.F16x2 or PtxType.BF16x2 or PtxType.TF32) throw modifiers.Unknown();
        instr.Width = type.Bytes();
        instr.Count = modifiers.TakeAny("v2", "v4") switch { "v2" => 2, "v4" => 4, _ => 1 };
        if (instr.Width * instr.Count > 16) throw modifiers.Unknown();
        var space = Space(modifiers);
        modifiers.Ignore("weak", "volatile", "relaxed", "acquire", "release", "cta", "gpu", "sys", "nc", "ca", "cg", "cs", "lu", "cv", "wb", "wt");
        modifiers.IgnoreScoped("L1::");
        modifiers.IgnoreScoped("L2::");
        // Parameters of calls lie among the local variables.
        if (space == PtxSpace.Param && address is PtxOperand.Address { Base: PtxOperand.Symbol { Name: var name } } && operands.Symbols.Space(name) == PtxSpace.Local) space = PtxSpace.Local;
        Address(ref instr, source, address, space);
        if (space is null or PtxSpace.Shared) granuleShift = Math.Min(granuleShift, int.Log2(instr.Width * instr.Count));
        return (space, type);
    }

    static PtxSpace? Space(Modifiers modifiers) => modifiers.TakeAny("global", "const", "shared", "shared::cta", "local", "param") switch
    {
        "global" => PtxSpace.Global,
        "const" => PtxSpace.Const,
        "shared" or "shared::cta" => PtxSpace.Shared,
        "local" => PtxSpace.Local,
        "param" => PtxSpace.Param,
        _ => null,
    };

    /// <summary>Puts an address: of 64 bits, or in shared memory of 32 if its register is.</summary>
    void Address(ref Instr instr, PtxInstruction source, PtxOperand operand, PtxSpace? space, int at = GlobalMemory.AddressAt)
    {
        if (operand is not PtxOperand.Address address) throw new PtxException(source.Line, "expected an address in brackets");
        var narrow = space == PtxSpace.Shared && (operands.Declared(address.Base) is not { } type || type.Bytes() < 8);
        Put(ref instr, at, operands.Source(address.Base, narrow ? PtxType.B32 : PtxType.B64, source.Line));
        if (space == PtxSpace.Shared)
        {
            instr.Detail = narrow ? 0 : 1;
            instr.Meeting = sharedAccesses++;
        }
        instr.Offset = address.Offset;
    }

    static PtxOperand[] Elements(PtxInstruction source, PtxOperand operand, int count)
    {
        PtxOperand[] elements = operand is PtxOperand.Vector vector ? vector.Elements : [operand];
        return elements.Length == count ? elements : throw new PtxException(source.Line, $"`{source.Opcode}` with {elements.Length} registers, expected {count}");
    }

    void Atomic(ref Instr instr, PtxInstruction source, Modifiers modifiers)
    {
        var type = modifiers.Type();
        var space = Space(modifiers);
        modifiers.Ignore("relaxed", "acquire", "release", "acq_rel", "cta", "gpu", "sys", "noftz");
        modifiers.IgnoreScoped("L2::");
        instr.Mode = (int)(modifiers.TakeAny("add", "min", "max", "inc", "dec", "and", "or", "xor", "exch", "cas") switch
        {
            "add" => AtomicOp.Add,
            "min" => AtomicOp.Min,
            "max" => AtomicOp.Max,
            "inc" => AtomicOp.Inc,
            "dec" => AtomicOp.Dec,
            "and" => AtomicOp.And,
            "or" => AtomicOp.Or,
            "xor" => AtomicOp.Xor,
            "exch" => AtomicOp.Exch,
            "cas" => AtomicOp.Cas,
            _ => throw modifiers.Unknown(),
        });
        if (type.Bytes() < 4 || type.IsFloat() && (AtomicOp)instr.Mode != AtomicOp.Add) throw modifiers.Unknown();
        instr.Width = type.Bytes();
        instr.Count = (int)type;
        var first = source.Parts[0] == "atom" ? 1 : 0;
        Expect(source, first + ((AtomicOp)instr.Mode == AtomicOp.Cas ? 3 : 2));
        Put(ref instr, 0, first == 1 ? operands.Destination(source.Operands[0], type, source.Line) : -1);
        Put(ref instr, 1, operands.Source(source.Operands[first + 1], type, source.Line));
        Put(ref instr, 2, (AtomicOp)instr.Mode == AtomicOp.Cas ? operands.Source(source.Operands[first + 2], type, source.Line) : -1);
        Address(ref instr, source, source.Operands[first], space);
        if (space == PtxSpace.Shared) granuleShift = Math.Min(granuleShift, int.Log2(instr.Width));
        instr.Run = space switch { PtxSpace.Global => &Atomics.Global, PtxSpace.Shared => &Atomics.Shared, null => &Atomics.Generic, _ => throw modifiers.Unknown() };
    }
}
