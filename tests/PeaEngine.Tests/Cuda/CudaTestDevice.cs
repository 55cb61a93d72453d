using PeaEngine.Cuda;
using PeaEngine.VirtualGpu.Driver;

namespace PeaEngine.Tests.Cuda;

/// <summary>The device that tests of kernels run on: a virtual one, or this machine's if <c>PEA_CUDA</c> is <c>real</c>.</summary>
static class CudaTestDevice
{
    /// <summary>Whether it is a real one.</summary>
    public static bool IsReal { get; } = Environment.GetEnvironmentVariable("PEA_CUDA") switch
    {
        null or "" or "virtual" => false,
        "real" => true,
        var other => throw new InvalidOperationException($"PEA_CUDA={other}, expected real or virtual"),
    };

    /// <summary>NVIDIA's libraries, or what stands for them.</summary>
    public static CudaLibraries Libraries => IsReal ? CudaLibraries.Find() : VirtualDriver.Libraries(NvrtcPresence.Compiler);

    /// <summary>Opens the device. Every opening of a virtual one has memory and faults of its own.</summary>
    public static CudaContext Open() => new(Libraries);

    /// <summary>The same on a machine without cuBLASLt.</summary>
    public static CudaContext OpenWithoutProducts()
    {
        var all = Libraries;
        return new(new CudaLibraries(all.Driver, all.Compiler, all.LoadsPtx));
    }
}
