using System.Diagnostics;
using System.Text.RegularExpressions;

namespace PeaEngine.Tests.Cuda;

/// <summary>NVIDIA's <c>cuobjdump</c>, which shows machine code as text: what <c>PEA_CUOBJDUMP</c> names, or what the path has.</summary>
static partial class Disassembler
{
    const string Variable = "PEA_CUOBJDUMP", Program = "cuobjdump";

    static readonly string? Found = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named ? named
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, Program)).FirstOrDefault(File.Exists);

    /// <summary>Why a test is skipped, or null.</summary>
    public static string? Skip => NvrtcPresence.Skip ?? (Found == null ? $"no {Program} on this machine: name it by {Variable}" : null);

    /// <summary>The instructions of each function of a cubin, each with its modifiers: <c>HMMA.16816.F32</c>.</summary>
    public static IReadOnlyDictionary<string, string[]> Read(byte[] cubin)
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "kernel.cubin");
        File.WriteAllBytes(file, cubin);
        using var process = Process.Start(new ProcessStartInfo(Found!, ["-sass", file]) { RedirectStandardOutput = true })!;
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return Function().Matches(text).ToDictionary(function => function.Groups[1].Value, function => Instruction().Matches(function.Groups[2].Value).Select(instruction => instruction.Groups[1].Value).ToArray());
    }

    [GeneratedRegex(@"Function : (\w+)(.*?)(?=Function : |\z)", RegexOptions.Singleline)]
    private static partial Regex Function();

    [GeneratedRegex(@"^\s*/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+ )?\s*([A-Z][A-Z0-9_.]*)", RegexOptions.Multiline)]
    private static partial Regex Instruction();
}

/// <summary>A test of many cases that look at machine code.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class DisassemblerTheoryAttribute : TheoryAttribute
{
    public DisassemblerTheoryAttribute() => Skip = Disassembler.Skip;
}
