using System.Diagnostics;
using System.Text.RegularExpressions;

namespace PeaEngine.Tests.Cuda;

/// <summary>A kernel's machine code in numbers.</summary>
/// <param name="Instructions">All of them.</param>
/// <param name="Exits">Those that end a thread.</param>
/// <param name="Products">Products of 16-bit floats by tensor cores, summed in F32.</param>
/// <param name="OtherProducts">Other products by tensor cores.</param>
/// <param name="Local">Loads and stores of local memory, where registers are spilled to.</param>
sealed record MachineFunction(int Instructions, int Exits, int Products, int OtherProducts, int Local)
{
    /// <summary>Of instructions with their modifiers: <c>HMMA.16816.F32</c>.</summary>
    public static MachineFunction Of(IReadOnlyCollection<string> instructions)
    {
        int Count(params ReadOnlySpan<string> beginnings)
        {
            var count = 0;
            foreach (var beginning in beginnings) count += instructions.Count(instruction => instruction.StartsWith(beginning, StringComparison.Ordinal));
            return count;
        }
        var products = Count("HMMA.16816.F32");
        return new(instructions.Count, Count("EXIT"), products, Count("HMMA", "IMMA", "DMMA", "BMMA") - products, Count("LDL", "STL"));
    }
}

/// <summary>NVIDIA's <c>nvdisasm</c>, which shows machine code as text: what <c>PEA_NVDISASM</c> names, or what the path has. <c>cuobjdump -sass</c> shows the same, but calls it once for each function.</summary>
static partial class Disassembler
{
    const string Variable = "PEA_NVDISASM", Program = "nvdisasm", Beginning = "//--------------------- .text.";

    static readonly string? Found = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named ? named
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, Program)).FirstOrDefault(File.Exists);

    /// <summary>Why a test is skipped, or null.</summary>
    public static string? Skip => NvrtcPresence.Skip ?? (Found == null ? $"no {Program} on this machine: name it by {Variable}" : null);

    /// <summary>The functions of a cubin.</summary>
    public static IReadOnlyDictionary<string, MachineFunction> Read(byte[] cubin)
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "kernel.cubin");
        File.WriteAllBytes(file, cubin);
        using var process = Process.Start(new ProcessStartInfo(Found!, [file]) { RedirectStandardOutput = true })!;
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return text.Split(Beginning)[1..].ToDictionary(function => function[..function.IndexOf(' ', StringComparison.Ordinal)], function => MachineFunction.Of([.. Instruction().Matches(function).Select(instruction => instruction.Groups[1].Value)]));
    }

    [GeneratedRegex(@"^\s*/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+ )?\s*([A-Z][A-Z0-9_.]*)", RegexOptions.Multiline)]
    private static partial Regex Instruction();
}

/// <summary>A test of many cases that look at machine code.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class DisassemblerTheoryAttribute : TheoryAttribute
{
    public DisassemblerTheoryAttribute() => Skip = Disassembler.Skip;
}
