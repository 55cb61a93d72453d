using System.Text.RegularExpressions;

namespace PeaEngine.Tests.Cuda;

/// <summary>What the kernels are made into, as NVIDIA's own disassembler shows it.</summary>
public partial class CudaMachineCodeTests
{
    /// <summary>Products of 16-bit floats go by tensor cores, nothing else does, and nothing lies in local memory.</summary>
    [DisassemblerTheory, MemberData(nameof(CompiledKernels.All), MemberType = typeof(CompiledKernels))]
    public void ProductsAreTensorCores(string name, int architecture)
    {
        var functions = Disassembler.Read(CompiledKernels.Get(name, architecture).Code);
        Assert.NotEmpty(functions);
        foreach (var (kernel, instructions) in functions)
        {
            Assert.Contains(instructions, instruction => instruction == "EXIT");
            Assert.DoesNotContain(instructions, instruction => instruction.StartsWith("LDL", StringComparison.Ordinal) || instruction.StartsWith("STL", StringComparison.Ordinal));
            Assert.True(instructions.Any(instruction => instruction.StartsWith("HMMA.16816.F32", StringComparison.Ordinal)) == IsProduct(kernel),
                $"{kernel}, sm_{architecture}: {(IsProduct(kernel) ? "no HMMA" : "HMMA")} among {instructions.Length} instructions");
        }
    }

    /// <summary>Kernels of 16-bit products. What their gradients need besides products has other names.</summary>
    internal static bool IsProduct(string kernel) => Product().IsMatch(kernel);

    [GeneratedRegex("^(attention|conv2d|geglu|linear)_.*_?b?f16$")]
    private static partial Regex Product();
}
