using PeaEngine.Backends;
using PeaEngine.Cuda;
using PeaEngine.VirtualGpu.Driver;

namespace PeaEngine.Tests.Cuda;

/// <summary>The device that tests of kernels run on: a virtual one, or this machine's if <c>PEA_CUDA</c> is <c>real</c>.</summary>
static class CudaTestDevice
{
    /// <summary>The environment variable that chooses.</summary>
    public const string Variable = "PEA_CUDA";

    /// <summary>Its values.</summary>
    public const string Real = "real", Virtual = "virtual";

    static readonly Lazy<bool> Chosen = new(() => Environment.GetEnvironmentVariable(Variable) switch
    {
        null or "" or Virtual => false,
        Real => true,
        var other => throw new OptionException($"{Variable}={other}: expected {Real} or {Virtual}"),
    });

    static readonly Lazy<CudaLibraries> Found = new(CudaLibraries.Find);

    /// <summary>Whether it is a real one.</summary>
    public static bool IsReal => Chosen.Value;

    /// <summary>NVIDIA's libraries, or what stands for them.</summary>
    public static CudaLibraries Libraries => IsReal ? Found.Value : VirtualDriver.Libraries(NvrtcPresence.Compiler);

    /// <summary>Where the command line opens it.</summary>
    public static CudaDevices Devices { get; } = new(() => Libraries);

    /// <summary>Opens the device. Every opening of a virtual one has memory and faults of its own.</summary>
    public static CudaContext Open() => new(Libraries);

    /// <summary>The same on a machine without cuBLASLt.</summary>
    public static CudaContext OpenWithoutProducts()
    {
        var all = Libraries;
        return new(new CudaLibraries(all.Driver, all.Compiler, all.LoadsPtx));
    }

    /// <summary>What its kernels are compiled for, as 80 for sm_80.</summary>
    public static int Architecture
    {
        get
        {
            using var context = Open();
            return context.Target.Architecture;
        }
    }

    /// <summary>What it is, in a line.</summary>
    /// <exception cref="CudaException">There is none.</exception>
    public static string Describe()
    {
        if (!IsReal) return $"a virtual GPU, {NvrtcPresence.Skip ?? $"NVRTC {NvrtcPresence.Compiler.Version}"}";
        using var context = Open();
        var device = context.Device;
        return $"cuda:{device.Ordinal}: {device.Name}, compute capability {device.Capability}, {device.Multiprocessors} multiprocessors; NVRTC {Libraries.Compiler.Version}, kernels as {context.Target}";
    }

    /// <summary>Opens a virtual device with so many multiprocessors, whatever <c>PEA_CUDA</c> says.</summary>
    public static CudaContext OpenVirtual(int multiprocessors)
    {
        var before = VirtualDriver.Multiprocessors;
        VirtualDriver.Multiprocessors = multiprocessors;
        try
        {
            return new(VirtualDriver.Libraries(NvrtcPresence.Compiler));
        }
        finally
        {
            VirtualDriver.Multiprocessors = before;
        }
    }
}
