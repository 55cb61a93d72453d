using PeaEngine.Cuda;

namespace PeaEngine.Tests.Cuda;

/// <summary>Whether this machine has NVRTC, which needs no GPU; without it tests that compile kernels are skipped, and say so.</summary>
static class NvrtcPresence
{
    static readonly Lazy<NvrtcCompiler?> Found = new(NvrtcCompiler.Find);

    /// <summary>The compiler.</summary>
    public static NvrtcCompiler Compiler => Found.Value!;

    /// <summary>Why a test is skipped, or null.</summary>
    public static string? Skip => Found.Value == null ? "no NVRTC on this machine" : null;
}

/// <summary>A test that compiles kernels.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class NvrtcFactAttribute : FactAttribute
{
    public NvrtcFactAttribute() => Skip = NvrtcPresence.Skip;
}

/// <summary>A test of many cases that compile kernels.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class NvrtcTheoryAttribute : TheoryAttribute
{
    public NvrtcTheoryAttribute() => Skip = NvrtcPresence.Skip;
}
