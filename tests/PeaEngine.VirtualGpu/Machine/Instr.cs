namespace PeaEngine.VirtualGpu.Machine;

/// <summary>
/// A decoded instruction: the function that executes it for a warp, and where its operands lie. A register is 32 lanes side by side,
/// of four bytes or of eight; immediates and special registers lie in registers of their own, so that no function asks what an operand is.
/// </summary>
unsafe struct Instr
{
    /// <summary>Most operands of an instruction: an <c>mma</c> has four and four and two and four.</summary>
    public const int Operands = 16;

    /// <summary>Executes it.</summary>
    public delegate*<Warp, Instr*, void> Run;

    /// <summary>Bytes from the warp's first register; for a predicate its index.</summary>
    public fixed int R[Operands];

    /// <summary>Twice the index of the predicate that a lane needs, plus one if it must be false; −1 for none.</summary>
    public int Guard;

    /// <summary>Its place in <see cref="Program.Listing"/>.</summary>
    public int Index;

    /// <summary>Where a branch goes, and where the lanes that part there meet again: −1 at the end. Of an access to shared memory the second is its number.</summary>
    public int Target, Meeting;

    /// <summary>Bytes that a lane moves for one register, and how many registers.</summary>
    public int Width, Count;

    /// <summary>What else the function of the instruction wants to know.</summary>
    public int Mode, Detail;

    /// <summary>An address's offset in bytes.</summary>
    public long Offset;
}
