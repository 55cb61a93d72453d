using System.Runtime.InteropServices;
using PeaEngine.Cuda.Sys;

namespace PeaEngine.Cuda;

/// <summary>A device and what kernels must know of it.</summary>
/// <param name="Ordinal">Its number: 0 for <c>cuda:0</c>.</param>
/// <param name="Name">NVIDIA's name.</param>
/// <param name="Architecture">80 for compute capability 8.0.</param>
/// <param name="Multiprocessors">How many blocks run at once, at least.</param>
/// <param name="MemoryBytes">All of its memory.</param>
/// <param name="SharedBytes">The most shared memory that a block can have.</param>
/// <param name="CacheBytes">The second-level cache.</param>
public sealed record CudaDevice(int Ordinal, string Name, int Architecture, int Multiprocessors, long MemoryBytes, int SharedBytes, int CacheBytes)
{
    /// <summary>Compute capability, such as <c>8.0</c>.</summary>
    public string Capability => $"{Architecture / 10}.{Architecture % 10}";

    /// <summary>All devices of a driver.</summary>
    /// <exception cref="CudaException">The driver cannot tell.</exception>
    public static unsafe IReadOnlyList<CudaDevice> All(CudaLibraries libraries) => All(libraries.Driver);

    internal static unsafe IReadOnlyList<CudaDevice> All(Driver driver)
    {
        int count;
        driver.Check(driver.cuDeviceGetCount(&count), nameof(driver.cuDeviceGetCount));
        return [.. Enumerable.Range(0, count).Select(ordinal => Read(driver, ordinal))];
    }

    /// <summary>The driver's own number of a device.</summary>
    internal static unsafe CUdevice Handle(Driver driver, int ordinal)
    {
        CUdevice device;
        driver.Check(driver.cuDeviceGet(&device, ordinal), nameof(driver.cuDeviceGet));
        return device;
    }

    internal static unsafe int Attribute(Driver driver, CUdevice device, CUdevice_attribute attribute)
    {
        int value;
        driver.Check(driver.cuDeviceGetAttribute(&value, attribute, device), nameof(driver.cuDeviceGetAttribute));
        return value;
    }

    static unsafe CudaDevice Read(Driver driver, int ordinal)
    {
        const int MostBytes = 256;
        var device = Handle(driver, ordinal);
        var name = stackalloc byte[MostBytes];
        nuint bytes;
        driver.Check(driver.cuDeviceGetName(name, MostBytes, device), nameof(driver.cuDeviceGetName));
        driver.Check(driver.cuDeviceTotalMem(&bytes, device), nameof(driver.cuDeviceTotalMem));
        return new(ordinal, Marshal.PtrToStringUTF8((nint)name)!,
            10 * Value(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) + Value(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
            Value(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT), (long)bytes,
            Value(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN), Value(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE));

        int Value(CUdevice_attribute attribute) => Attribute(driver, device, attribute);
    }
}
