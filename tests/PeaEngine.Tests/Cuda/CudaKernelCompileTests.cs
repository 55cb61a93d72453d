using System.Globalization;
using System.Text.RegularExpressions;
using PeaEngine.Backends;
using PeaEngine.Cuda;

namespace PeaEngine.Tests.Cuda;

/// <summary>Every kernel by the real compiler, for every architecture that the engine is meant for: what it is made into is looked at, no device is needed.</summary>
public partial class CudaKernelCompileTests
{
    [NvrtcTheory, MemberData(nameof(CompiledKernels.All), MemberType = typeof(CompiledKernels))]
    public void NothingIsSpilledAndNothingWarned(string name, int architecture)
    {
        var (code, log) = CompiledKernels.Get(name, architecture);
        Assert.Equal([0x7f, (byte)'E', (byte)'L', (byte)'F'], code[..4]);
        Assert.DoesNotContain("warning", log, StringComparison.OrdinalIgnoreCase);
        var functions = CompiledFunction().Matches(log);
        Assert.NotEmpty(functions);
        foreach (Match function in functions)
            Assert.True(Enumerable.Range(2, 3).All(group => int.Parse(function.Groups[group].Value, CultureInfo.InvariantCulture) == 0), $"{function.Groups[1].Value}, sm_{architecture}: {function.Value}");
        // No function escapes the pattern.
        Assert.Equal(functions.Count, Regex.Count(log, "spill stores"));
    }

    [NvrtcFact]
    public void ErrorsHaveTheCompilersText()
    {
        var source = new KernelSource("wrong", "extern \"C\" __global__ void f(float* x) { x[0] = missing; }", new Dictionary<string, string>(), []);
        var error = Assert.Throws<CudaException>(() => NvrtcPresence.Compiler.Compile(source, new(80)));
        Assert.StartsWith("wrong.cu: nvrtcCompileProgram: NVRTC_ERROR_COMPILATION\nwrong.cu(1): error: identifier \"missing\" is undefined", error.Message, StringComparison.Ordinal);
        Assert.Equal("nvrtcCompileProgram", error.Call);
    }

    [NvrtcFact]
    public void ANewerDeviceGetsPtxOfTheNewestArchitecture()
    {
        var newest = NvrtcPresence.Compiler.Architectures[^1];
        var target = KernelTarget.For(newest + 30, NvrtcPresence.Compiler.Architectures);
        Assert.Equal(new KernelTarget(newest, IsPtx: true), target);
        var ptx = System.Text.Encoding.UTF8.GetString(NvrtcPresence.Compiler.Compile(KernelSources.Get("activate"), target).Code);
        Assert.Contains($".target sm_{newest}", ptx, StringComparison.Ordinal);
        Assert.EndsWith("\0", ptx, StringComparison.Ordinal);
    }

    [Fact]
    public void TargetsFollowFromDeviceAndCompiler()
    {
        int[] known = [75, 80, 86, 90];
        Assert.Equal(new KernelTarget(86), KernelTarget.For(86, known));
        Assert.Equal(new KernelTarget(86, IsPtx: true), KernelTarget.For(89, known));
        Assert.Equal("sm_90", KernelTarget.For(90, known).ToString());
        Assert.Equal("compute_90", KernelTarget.For(120, known).ToString());
        Assert.Equal("cuda: compute capability 7.5, expected 8.0 or newer", Assert.Throws<CudaException>(() => KernelTarget.For(75, known)).Message);
        Assert.Equal("cuda: this NVRTC compiles for sm_70, sm_75, expected sm_80 or newer", Assert.Throws<CudaException>(() => KernelTarget.For(80, [70, 75])).Message);
    }

    [GeneratedRegex(@"Function properties for (\w+)\nptxas[ .]*(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")]
    private static partial Regex CompiledFunction();
}
