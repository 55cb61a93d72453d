using System.Text.RegularExpressions;

namespace PeaEngine.Tests.Cuda;

/// <summary>What the kernels are made into, as NVIDIA's own disassembler shows it.</summary>
public partial class CudaMachineCodeTests
{
    /// <summary>Products of 16-bit floats go by tensor cores, nothing else does, and nothing lies in local memory.</summary>
    [DisassemblerTheory, MemberData(nameof(CompiledKernels.All), MemberType = typeof(CompiledKernels))]
    public void ProductsAreTensorCores(string name, int architecture)
    {
        var functions = CompiledKernels.Functions(name, architecture);
        Assert.NotEmpty(functions);
        foreach (var (kernel, code) in functions)
        {
            Assert.True(code is { Exits: > 0, OtherProducts: 0, Local: 0 }, $"{kernel}, sm_{architecture}: {code}");
            Assert.True(code.Products > 0 == IsProduct(kernel), $"{kernel}, sm_{architecture}: {(IsProduct(kernel) ? "no HMMA" : "HMMA")} among {code.Instructions} instructions");
        }
    }

    /// <summary>Kernels of 16-bit products. What their gradients need besides products has other names.</summary>
    internal static bool IsProduct(string kernel) => Product().IsMatch(kernel);

    [GeneratedRegex("^(attention|conv2d|geglu|linear)_.*_?b?f16$")]
    private static partial Regex Product();
}
