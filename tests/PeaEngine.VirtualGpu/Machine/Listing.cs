using PeaEngine.VirtualGpu.Ptx;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>Where each instruction of a kernel was written: numbers alone beside the module's text, for programs are kept and are long.</summary>
sealed class Listing(string text, IReadOnlyList<PtxInstruction> instructions)
{
    readonly (int Line, int SourceLine)[] places = [.. instructions.Select(instruction => (instruction.Line, instruction.SourceLine))];

    /// <summary>The place of an instruction in the source, if the compiler said it, and in the PTX, and how it is written there.</summary>
    public string Describe(int index)
    {
        var (line, sourceLine) = places[index];
        var written = text.AsSpan();
        for (var i = 1; i < line; i++) written = written[(written.IndexOf('\n') + 1)..];
        var end = written.IndexOf('\n');
        return $"{(sourceLine > 0 ? $"source line {sourceLine}, " : "")}ptx line {line} `{(end < 0 ? written : written[..end]).Trim()}`";
    }
}
