namespace PeaEngine.VirtualGpu.Ptx;

/// <summary>An operand of an instruction, as written.</summary>
public abstract record PtxOperand
{
    /// <summary>A register or a special register; a predicate may be negated.</summary>
    public sealed record Register(string Name, bool Negated = false) : PtxOperand;

    /// <summary>An integer's bits, or a floating point number's: of a double (<c>0d</c>, <c>1.5</c>) or a single (<c>0f</c>).</summary>
    public sealed record Immediate(ulong Bits, ImmediateKind Kind) : PtxOperand;

    /// <summary>A variable, a parameter, a function or a label, perhaps with an offset in bytes.</summary>
    public sealed record Symbol(string Name, long Offset = 0) : PtxOperand;

    /// <summary>What an address in brackets is made of: a register, a symbol or a number, and an offset in bytes.</summary>
    public sealed record Address(PtxOperand Base, long Offset) : PtxOperand;

    /// <summary>Registers in braces, or a call's arguments in parentheses.</summary>
    public sealed record Vector(PtxOperand[] Elements) : PtxOperand;

    /// <summary>Two destinations, <c>%p1|%p2</c>.</summary>
    public sealed record Pair(PtxOperand First, PtxOperand Second) : PtxOperand;

    /// <summary>The place of a destination that nobody wants: <c>_</c>.</summary>
    public sealed record Sink : PtxOperand;
}

/// <summary>How an immediate was written.</summary>
public enum ImmediateKind { Integer, Single, Double }

/// <summary>A place in what a module was compiled from.</summary>
/// <param name="File">Which of <see cref="PtxModule.Files"/>.</param>
/// <param name="Line">From 1; 0 if the compiler did not tell.</param>
/// <param name="Column">From 1.</param>
public readonly record struct PtxSource(int File, int Line, int Column);

/// <summary>One instruction: its opcode cut at the dots, guard, operands and place in the text.</summary>
/// <param name="Opcode">As written, such as <c>mul.wide.s32</c>.</param>
/// <param name="Guard">The predicate that a lane needs to execute it, or null.</param>
/// <param name="Operands">In the order written, destinations first.</param>
/// <param name="Line">The line of the opcode, from 1.</param>
/// <param name="Source">The place that it was compiled from.</param>
public sealed record PtxInstruction(string Opcode, PtxOperand.Register? Guard, PtxOperand[] Operands, int Line, PtxSource Source)
{
    /// <summary>The opcode's parts: <c>mul</c>, <c>wide</c>, <c>s32</c>.</summary>
    public string[] Parts { get; } = Opcode.Split('.');
}
