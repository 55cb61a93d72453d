using PeaEngine.VirtualGpu.Mutation;
using PeaEngine.VirtualGpu.Ptx;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>Where each instruction of a kernel was written, and what of it could be taken out: numbers alone beside the module's text, for programs are kept and are long.</summary>
sealed class Listing(string text, IReadOnlyDictionary<int, string> files, IReadOnlyList<PtxInstruction> instructions)
{
    readonly (int Line, PtxSource Source, MutationKind Kind)[] places =
        [.. instructions.Select(instruction => (instruction.Line, instruction.Source, Mutant.KindOf(instruction)))];

    /// <summary>How many instructions there are.</summary>
    public int Count => places.Length;

    /// <summary>What of an instruction could be taken out.</summary>
    public MutationKind Kind(int index) => places[index].Kind;

    /// <summary>The file of the source that an instruction comes from, if the compiler said it, the line and the column.</summary>
    public (string File, int Line, int Column) Source(int index) => (files.GetValueOrDefault(places[index].Source.File, ""), places[index].Source.Line, places[index].Source.Column);

    /// <summary>The place of an instruction in the source, if the compiler said it, and in the PTX, and how it is written there.</summary>
    public string Describe(int index)
    {
        var (line, source, _) = places[index];
        var written = text.AsSpan();
        for (var i = 1; i < line; i++) written = written[(written.IndexOf('\n') + 1)..];
        var end = written.IndexOf('\n');
        return $"{(source.Line > 0 ? $"source line {source.Line}, " : "")}ptx line {line} `{(end < 0 ? written : written[..end]).Trim()}`";
    }
}
