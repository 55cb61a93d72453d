using System.Runtime.InteropServices;
using PeaEngine.Cuda;
using PeaEngine.Cuda.Sys;

namespace PeaEngine.Tests.Cuda;

/// <summary>A driver that does nothing and allocates nothing managed while it is called: what a step costs the host can be counted over it. It counts some calls of each thread.</summary>
static unsafe class SilentDriver
{
    /// <summary>Calls of the thread so far.</summary>
    [ThreadStatic]
    public static int Allocations, KernelLaunches, GraphLaunches;

    /// <summary>Called before each kernel of the thread.</summary>
    [ThreadStatic]
    public static Action? OnLaunch;

    /// <summary>The driver with the real NVRTC.</summary>
    public static CudaLibraries Libraries => new(new(Resolve), NvrtcPresence.Compiler, loadsPtx: true);

    static nint Resolve(string name) => name switch
    {
        nameof(Driver.cuDeviceGetCount) or nameof(Driver.cuDevicePrimaryCtxRetain) or nameof(Driver.cuMemPoolCreate) or nameof(Driver.cuStreamCreate) or nameof(Driver.cuEventCreate) or
            nameof(Driver.cuModuleLoadDataEx) or nameof(Driver.cuModuleGetFunction) or nameof(Driver.cuGraphInstantiateWithFlags) => (nint)(delegate* unmanaged<int*, CUresult>)&One,
        nameof(Driver.cuDeviceGetName) => (nint)(delegate* unmanaged<byte*, CUresult>)&Name,
        nameof(Driver.cuDeviceGetAttribute) => (nint)(delegate* unmanaged<int*, CUdevice_attribute, CUresult>)&Attribute,
        nameof(Driver.cuMemAllocFromPoolAsync) => (nint)(delegate* unmanaged<nint*, CUresult>)&Allocate,
        nameof(Driver.cuMemHostAlloc) => (nint)(delegate* unmanaged<void**, nuint, CUresult>)&AllocateHost,
        nameof(Driver.cuMemFreeHost) => (nint)(delegate* unmanaged<void*, CUresult>)&FreeHost,
        nameof(Driver.cuMemcpyDtoHAsync) => (nint)(delegate* unmanaged<void*, nint, nuint, CUresult>)&CopyToHost,
        nameof(Driver.cuStreamEndCapture) => (nint)(delegate* unmanaged<nint, nint*, CUresult>)&EndCapture,
        nameof(Driver.cuGraphGetNodes) => (nint)(delegate* unmanaged<nint, nint*, nuint*, CUresult>)&NoNodes,
        nameof(Driver.cuLaunchKernel) => (nint)(delegate* unmanaged<CUresult>)&LaunchKernel,
        nameof(Driver.cuGraphLaunch) => (nint)(delegate* unmanaged<CUresult>)&LaunchGraph,
        _ => (nint)(delegate* unmanaged<CUresult>)&Nothing,
    };

    [UnmanagedCallersOnly]
    static CUresult Nothing() => CUresult.CUDA_SUCCESS;

    /// <summary>A count, a size, or a handle.</summary>
    [UnmanagedCallersOnly]
    static CUresult One(int* result)
    {
        *result = 1;
        return CUresult.CUDA_SUCCESS;
    }

    [UnmanagedCallersOnly]
    static CUresult Name(byte* text)
    {
        *text = 0;
        return CUresult.CUDA_SUCCESS;
    }

    [UnmanagedCallersOnly]
    static CUresult Attribute(int* value, CUdevice_attribute attribute)
    {
        *value = attribute switch
        {
            CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR => 8,
            CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR => 0,
            CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN => 163 << 10,
            _ => 108,
        };
        return CUresult.CUDA_SUCCESS;
    }

    /// <summary>An address that nobody looks behind.</summary>
    [UnmanagedCallersOnly]
    static CUresult Allocate(nint* address)
    {
        Allocations++;
        *address = (nint)Allocations << 36;
        return CUresult.CUDA_SUCCESS;
    }

    [UnmanagedCallersOnly]
    static CUresult AllocateHost(void** address, nuint bytes)
    {
        *address = NativeMemory.AllocZeroed(bytes);
        return CUresult.CUDA_SUCCESS;
    }

    [UnmanagedCallersOnly]
    static CUresult FreeHost(void* address)
    {
        NativeMemory.Free(address);
        return CUresult.CUDA_SUCCESS;
    }

    /// <summary>Zeros, which are as finite as results should be.</summary>
    [UnmanagedCallersOnly]
    static CUresult CopyToHost(void* to, nint from, nuint bytes)
    {
        NativeMemory.Clear(to, bytes);
        return CUresult.CUDA_SUCCESS;
    }

    [UnmanagedCallersOnly]
    static CUresult EndCapture(nint stream, nint* graph)
    {
        *graph = 1;
        return CUresult.CUDA_SUCCESS;
    }

    [UnmanagedCallersOnly]
    static CUresult NoNodes(nint graph, nint* nodes, nuint* count)
    {
        *count = 0;
        return CUresult.CUDA_SUCCESS;
    }

    [UnmanagedCallersOnly]
    static CUresult LaunchKernel()
    {
        KernelLaunches++;
        OnLaunch?.Invoke();
        return CUresult.CUDA_SUCCESS;
    }

    [UnmanagedCallersOnly]
    static CUresult LaunchGraph()
    {
        GraphLaunches++;
        return CUresult.CUDA_SUCCESS;
    }
}
