using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace PeaEngine.Perf.Gpu;

/// <summary>Reads what NVRTC tells of a program: the log of its assembler, and the code itself.</summary>
static partial class MachineCode
{
    /// <summary>An instruction of Volta's and later machine code: 128 bits, of which the lowest twelve say what it does.</summary>
    const int InstructionBytes = 16, OperationBits = 0xFFF, Hmma = 0x23C;

    /// <summary>A header of a 64-bit ELF file and of its sections: where the sections' headers are, their size, number, and which has the names.</summary>
    const int SectionsAt = 0x28, SectionSizeAt = 0x3A, SectionCountAt = 0x3C, NamesAt = 0x3E, SectionOffset = 0x18, SectionBytes = 0x20;

    /// <summary>Every kernel of a program.</summary>
    /// <param name="cubin">The machine code.</param>
    /// <param name="log">With <c>--ptxas-options=-v</c>.</param>
    public static Dictionary<string, KernelBuild> Read(ReadOnlySpan<byte> cubin, string log)
    {
        var builds = new Dictionary<string, KernelBuild>();
        foreach (Match match in Function().Matches(log))
        {
            var (instructions, hmma) = Count(cubin, ".text." + match.Groups["name"].Value);
            builds.Add(match.Groups["name"].Value, new(Number(match, "registers"), Number(match, "shared"), Number(match, "spilled"), instructions, hmma));
        }
        return builds;
    }

    static (int Instructions, int Hmma) Count(ReadOnlySpan<byte> elf, string section)
    {
        var (sections, size, count) = ((int)BinaryPrimitives.ReadInt64LittleEndian(elf[SectionsAt..]), BinaryPrimitives.ReadInt16LittleEndian(elf[SectionSizeAt..]), BinaryPrimitives.ReadInt16LittleEndian(elf[SectionCountAt..]));
        var names = Content(elf, elf[(sections + size * BinaryPrimitives.ReadInt16LittleEndian(elf[NamesAt..]))..]);
        for (var i = 0; i < count; i++)
        {
            var header = elf[(sections + size * i)..];
            var name = names[BinaryPrimitives.ReadInt32LittleEndian(header)..];
            if (!name[..name.IndexOf((byte)0)].SequenceEqual(Encoding.ASCII.GetBytes(section))) continue;
            var code = Content(elf, header);
            var products = 0;
            for (var at = 0; at < code.Length; at += InstructionBytes)
                if ((BinaryPrimitives.ReadInt64LittleEndian(code[at..]) & OperationBits) == Hmma) products++;
            return (code.Length / InstructionBytes, products);
        }
        return default;
    }

    static ReadOnlySpan<byte> Content(ReadOnlySpan<byte> elf, ReadOnlySpan<byte> header) =>
        elf.Slice((int)BinaryPrimitives.ReadInt64LittleEndian(header[SectionOffset..]), (int)BinaryPrimitives.ReadInt64LittleEndian(header[SectionBytes..]));

    static int Number(Match match, string group) => match.Groups[group].Success ? int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex(@"Function properties for (?<name>\w+)\nptxas[ .]*\d+ bytes stack frame, (?<spilled>\d+) bytes spill stores, \d+ bytes spill loads\n[^\n]*?Used (?<registers>\d+) registers(?:, (?<shared>\d+) bytes smem)?")]
    private static partial Regex Function();
}
