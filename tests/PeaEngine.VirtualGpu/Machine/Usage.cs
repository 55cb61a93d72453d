using PeaEngine.VirtualGpu.Ptx;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>Which registers an instruction writes and which it reads.</summary>
static class Usage
{
    public static (List<string> Writes, List<string> Reads) Of(PtxInstruction instruction)
    {
        List<string> writes = [], reads = [];
        if (instruction.Guard is { } guard) reads.Add(guard.Name);
        for (var k = 0; k < instruction.Operands.Length; k++) Collect(instruction.Operands[k], k == 0 && HasDestination(instruction) ? writes : reads, reads);
        return (writes, reads);
    }

    /// <summary>Whether the first operand is written.</summary>
    static bool HasDestination(PtxInstruction instruction) => instruction.Parts[0] switch
    {
        "st" or "red" or "bra" or "brx" or "ret" or "exit" or "trap" or "membar" or "fence" or "cp" or "nanosleep" or "prefetch" or "prefetchu" => false,
        "bar" or "barrier" => instruction.Parts.Contains("red"),
        _ => true,
    };

    static void Collect(PtxOperand operand, List<string> into, List<string> reads)
    {
        switch (operand)
        {
            case PtxOperand.Register register: into.Add(register.Name); break;
            case PtxOperand.Address { Base: PtxOperand.Register register }: reads.Add(register.Name); break;
            case PtxOperand.Pair pair:
                Collect(pair.First, into, reads);
                Collect(pair.Second, into, reads);
                break;
            case PtxOperand.Vector vector:
                foreach (var element in vector.Elements) Collect(element, into, reads);
                break;
        }
    }
}
