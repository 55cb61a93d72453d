using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Ptx;

namespace PeaEngine.VirtualGpu.Decoding;

/// <summary>Where operands lie: registers as planned, and after them one register for every number, address and special register in use.</summary>
sealed class Operands(PtxFunction body, RegisterPlan plan, Symbols symbols)
{
    readonly Dictionary<(ulong Bits, bool Wide), int> constants = [];
    readonly Dictionary<Special, int> specials = [];

    /// <summary>Bytes of all registers.</summary>
    public int Bytes { get; private set; } = plan.Bytes;

    public IReadOnlyList<(int, ulong, bool)> Constants => [.. constants.Select(constant => (constant.Value, constant.Key.Bits, constant.Key.Wide))];

    public IReadOnlyList<(int, Special)> Specials => [.. specials.Select(special => (special.Value, special.Key))];

    public Symbols Symbols { get; } = symbols;

    /// <summary>The type that a register was declared with, or null for another operand.</summary>
    public PtxType? Declared(PtxOperand operand) => operand is PtxOperand.Register { Name: var name } && body.Registers.TryGetValue(name, out var type) ? type : null;

    /// <summary>The place of a source: a register, a number or an address.</summary>
    public int Source(PtxOperand operand, PtxType type, int line)
    {
        var wide = type.Bytes() == 8;
        switch (operand)
        {
            case PtxOperand.Register { Name: var name } when body.Registers.ContainsKey(name): return Register(name, wide, line);
            case PtxOperand.Register { Name: var name } when !wide && SpecialOf(name) is { } special:
                if (!specials.TryGetValue(special, out var place)) specials.Add(special, place = Reserve(false));
                return place;
            case PtxOperand.Immediate immediate: return Constant(Bits(immediate, type, line), wide);
            case PtxOperand.Symbol symbol: return Constant(Symbols.Address(symbol, line), wide);
            default: throw new PtxException(line, $"{Text(operand)}: expected a register or a number of {type}");
        }
    }

    /// <summary>The place of a destination; −1 for <c>_</c>.</summary>
    public int Destination(PtxOperand operand, PtxType type, int line) => operand switch
    {
        PtxOperand.Sink => -1,
        PtxOperand.Register { Name: var name } when body.Registers.ContainsKey(name) => Register(name, type.Bytes() == 8, line),
        _ => throw new PtxException(line, $"{Text(operand)}: expected a register of {type}"),
    };

    /// <summary>Twice a predicate's index, plus one if it is negated. A number is the predicate after the last, which is always false, or its opposite.</summary>
    public int Predicate(PtxOperand operand, int line) => operand is PtxOperand.Immediate immediate ? 2 * plan.Predicates + (immediate.Bits == 0 ? 0 : 1) :
        Declared(operand) == PtxType.Pred && operand is PtxOperand.Register register ? 2 * plan[register.Name] + (register.Negated ? 1 : 0) : throw new PtxException(line, $"{Text(operand)}: expected a predicate");

    /// <summary>A predicate's index; −1 for <c>_</c>.</summary>
    public int PredicateDestination(PtxOperand operand, int line) => operand switch
    {
        PtxOperand.Sink => -1,
        PtxOperand.Register => Predicate(operand, line) >> 1,
        _ => throw new PtxException(line, "a number, expected a predicate to write to"),
    };

    /// <summary>A register that holds a number from the start.</summary>
    public int Constant(ulong bits, bool wide)
    {
        if (!constants.TryGetValue((bits, wide), out var place)) constants.Add((bits, wide), place = Reserve(wide));
        return place;
    }

    int Register(string name, bool wide, int line)
    {
        var type = body.Registers[name];
        if (type == PtxType.Pred || type.Bytes() == 8 != wide) throw new PtxException(line, $"{name} is a register of {type}, expected one of {(wide ? 64 : 32)} bits");
        return plan[name];
    }

    int Reserve(bool wide)
    {
        var place = Bytes;
        Bytes += RegisterPlan.LaneBytes << (wide ? 1 : 0);
        return place;
    }

    static ulong Bits(PtxOperand.Immediate immediate, PtxType type, int line) => (immediate.Kind, type) switch
    {
        (ImmediateKind.Double, PtxType.F32) => BitConverter.SingleToUInt32Bits((float)BitConverter.UInt64BitsToDouble(immediate.Bits)),
        (ImmediateKind.Single, PtxType.F64) => BitConverter.DoubleToUInt64Bits(BitConverter.UInt32BitsToSingle((uint)immediate.Bits)),
        (ImmediateKind.Integer, PtxType.F32 or PtxType.F64) => throw new PtxException(line, "an integer, expected a floating point number"),
        _ => type.Bytes() switch { 1 => (byte)immediate.Bits, 2 => (ushort)immediate.Bits, 4 => (uint)immediate.Bits, _ => immediate.Bits },
    };

    static Special? SpecialOf(string name) => name switch
    {
        "%tid.x" => Special.TidX,
        "%tid.y" => Special.TidY,
        "%tid.z" => Special.TidZ,
        "%ntid.x" => Special.NtidX,
        "%ntid.y" => Special.NtidY,
        "%ntid.z" => Special.NtidZ,
        "%ctaid.x" => Special.CtaidX,
        "%ctaid.y" => Special.CtaidY,
        "%ctaid.z" => Special.CtaidZ,
        "%nctaid.x" => Special.NctaidX,
        "%nctaid.y" => Special.NctaidY,
        "%nctaid.z" => Special.NctaidZ,
        "%laneid" => Special.Lane,
        "%warpid" => Special.Warp,
        "%nwarpid" => Special.Warps,
        "%lanemask_eq" => Special.LaneMaskEq,
        "%lanemask_lt" => Special.LaneMaskLt,
        "%lanemask_le" => Special.LaneMaskLe,
        "%lanemask_gt" => Special.LaneMaskGt,
        "%lanemask_ge" => Special.LaneMaskGe,
        "%clock" => Special.Clock,
        "%dynamic_smem_size" => Special.DynamicSharedBytes,
        "%total_smem_size" => Special.SharedBytes,
        _ => null,
    };

    static string Text(PtxOperand operand) => operand switch
    {
        PtxOperand.Register register => register.Name,
        PtxOperand.Symbol symbol => symbol.Name,
        _ => operand.GetType().Name.ToLowerInvariant(),
    };
}
