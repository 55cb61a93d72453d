using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Memory;
using PeaEngine.VirtualGpu.Ptx;

namespace PeaEngine.VirtualGpu.Decoding;

/// <summary>Makes a kernel's text executable: once, at the load of its module, so that what is not known is refused there.</summary>
sealed unsafe partial class Decoder
{
    readonly PtxFunction body;
    readonly Operands operands;
    readonly List<int[]> tables = [];
    int granuleShift = 4, sharedAccesses;

    Decoder(PtxFunction body, Operands operands) => (this.body, this.operands) = (body, operands);

    /// <summary>Decodes a kernel of a module whose global variables have their places.</summary>
    /// <exception cref="PtxException">An instruction is not known, or a symbol is defined nowhere.</exception>
    public static Program Decode(PtxFunction entry, PtxModule module, string text, IReadOnlyDictionary<string, Allocation> globals)
    {
        var body = new Inliner(module).Expand(entry);
        var flow = new ControlFlow(body);
        var plan = new RegisterPlan(body, flow);
        var symbols = new Symbols(body, module, globals);
        var decoder = new Decoder(body, new(body, plan, symbols));
        return new(decoder.Code(flow))
        {
            Name = entry.Name,
            Listing = new(text, module.Files, body.Instructions),
            RegisterBytes = decoder.operands.Bytes,
            Predicates = plan.Predicates + 1,
            Constants = decoder.operands.Constants,
            Specials = decoder.operands.Specials,
            Parameters = symbols.Parameters,
            Tables = decoder.tables,
            Conversions = decoder.conversions,
            SharedBytes = symbols.SharedBytes,
            LocalBytes = symbols.LocalBytes,
            GranuleShift = decoder.granuleShift,
            LiveRegisters = plan.Pressure,
            SharedAccesses = decoder.sharedAccesses,
            MaxThreads = entry.MaxThreads,
        };
    }

    /// <summary>The instructions, a meeting before every block where lanes that parted meet, and an exit at the end.</summary>
    Instr[] Code(ControlFlow flow)
    {
        var meetings = new HashSet<int>();
        for (var b = 0; b < flow.Blocks; b++)
            if (flow.Next[b].Length > 1 && flow.Meeting[b] < flow.Blocks) meetings.Add(flow.Meeting[b]);
        var places = new int[flow.Blocks + 1];
        for (int b = 0, at = 0; b <= flow.Blocks; b++)
        {
            places[b] = at;
            if (b < flow.Blocks) at += flow.Starts[b + 1] - flow.Starts[b] + (meetings.Contains(b) ? 1 : 0);
        }
        List<Instr> code = [];
        for (var b = 0; b < flow.Blocks; b++)
        {
            if (meetings.Contains(b)) code.Add(new() { Run = &Control.Meet, Target = places[b], Index = flow.Starts[b], Guard = -1 });
            for (var i = flow.Starts[b]; i < flow.Starts[b + 1]; i++)
            {
                var source = body.Instructions[i];
                var instr = new Instr { Guard = source.Guard is null ? -1 : operands.Predicate(source.Guard, source.Line), Index = i, Count = 1 };
                if (ControlFlow.Ends(source)) Jump(ref instr, source, flow, b, places);
                else One(ref instr, source);
                code.Add(instr);
            }
        }
        code.Add(new() { Run = &Control.Exit, Guard = -1, Index = Math.Max(0, body.Instructions.Count - 1) });
        return [.. code];
    }

    void Jump(ref Instr instr, PtxInstruction source, ControlFlow flow, int block, int[] places)
    {
        var meeting = flow.Meeting[block];
        instr.Meeting = meeting >= 0 && meeting < flow.Blocks ? places[meeting] : -1;
        switch (source.Parts[0])
        {
            case "bra":
                instr.Run = &Control.Branch;
                instr.Target = places[flow.BlockOf[ControlFlow.Target(body, source, 0)]];
                break;
            case "brx":
                if (source.Guard is not null) throw new PtxException(source.Line, "brx.idx with a guard, which is not known");
                instr.Run = &Control.BranchIndexed;
                Put(ref instr, 0, operands.Source(source.Operands[0], PtxType.U32, source.Line));
                instr.Detail = tables.Count;
                tables.Add([.. body.BranchTargets[((PtxOperand.Symbol)source.Operands[1]).Name].Select(label => places[flow.BlockOf[body.Labels[label]]])]);
                break;
            case "trap": instr.Run = &Control.Trap; break;
            default: instr.Run = &Control.Exit; break;
        }
    }

    /// <summary>Decodes anything but a jump.</summary>
    void One(ref Instr instr, PtxInstruction source)
    {
        var modifiers = new Modifiers(source);
        var known = Move(ref instr, source, modifiers) || Integer(ref instr, source, modifiers) || Float(ref instr, source, modifiers)
            || Bits(ref instr, source, modifiers) || Memory(ref instr, source, modifiers) || Lanes(ref instr, source, modifiers) || Matrix(ref instr, source, modifiers);
        if (!known) throw modifiers.Unknown();
        modifiers.End();
    }

    static void Put(ref Instr instr, int operand, int place) => instr.R[operand] = place;

    /// <summary>Puts a destination and sources of one type; sources that are not there become the first.</summary>
    void Put(ref Instr instr, PtxInstruction source, PtxType destination, params ReadOnlySpan<PtxType> sources)
    {
        Expect(source, 1 + sources.Length);
        Put(ref instr, 0, operands.Destination(source.Operands[0], destination, source.Line));
        if (instr.R[0] < 0) throw new PtxException(source.Line, "a destination that nobody wants");
        for (var k = 0; k < sources.Length; k++) Put(ref instr, k + 1, operands.Source(source.Operands[k + 1], sources[k], source.Line));
        for (var k = sources.Length + 1; k < 4; k++) Put(ref instr, k, instr.R[Math.Min(1, sources.Length)]);
    }

    static void Expect(PtxInstruction source, int count)
    {
        if (source.Operands.Length != count) throw new PtxException(source.Line, $"`{source.Opcode}` with {source.Operands.Length} operands, expected {count}");
    }
}
