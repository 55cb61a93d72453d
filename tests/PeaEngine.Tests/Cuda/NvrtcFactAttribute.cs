using PeaEngine.Cuda;
using PeaEngine.Tests.Train.Processes;

namespace PeaEngine.Tests.Cuda;

/// <summary>Whether this machine has NVRTC, which needs no GPU; without it tests that compile kernels are skipped, and say so.</summary>
static class NvrtcPresence
{
    static readonly Lazy<NvrtcCompiler?> Found = new(Find);

    /// <summary>The compiler: beside a real device, one whose code its driver takes.</summary>
    public static NvrtcCompiler Compiler => Found.Value!;

    /// <summary>Why a test is skipped, or null.</summary>
    public static string? Skip => Found.Value == null ? "no NVRTC on this machine" : null;

    /// <summary>The same for a test of the virtual device, or that looks into it.</summary>
    public static string? SkipUnlessVirtual => CudaTestDevice.IsReal ? "for the virtual GPU alone" : Skip;

    static NvrtcCompiler? Find()
    {
        try
        {
            if (CudaTestDevice.IsReal) return CudaTestDevice.Libraries.Compiler;
        }
        catch (CudaException)
        {
            // A test that opens the device will say so.
        }
        return NvrtcCompiler.Find();
    }
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

/// <summary>A test that compiles kernels for the virtual GPU, whatever device the others run on.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class VirtualFactAttribute : FactAttribute
{
    public VirtualFactAttribute() => Skip = NvrtcPresence.SkipUnlessVirtual;
}

/// <summary>A test of several processes with virtual GPUs.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class VirtualMpiFactAttribute : FactAttribute
{
    public VirtualMpiFactAttribute() => Skip = NvrtcPresence.SkipUnlessVirtual ?? (Mpirun.IsThere ? null : MpiFactAttribute.Missing);
}

/// <summary>A test of many cases that compile kernels for the virtual GPU.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class VirtualTheoryAttribute : TheoryAttribute
{
    public VirtualTheoryAttribute() => Skip = NvrtcPresence.SkipUnlessVirtual;
}
