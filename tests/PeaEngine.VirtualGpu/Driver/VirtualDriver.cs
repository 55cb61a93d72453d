using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using PeaEngine.Cuda;
using PeaEngine.Cuda.Sys;
using PeaEngine.VirtualGpu.Blas;
using PeaEngine.VirtualGpu.Checks;
using PeaEngine.VirtualGpu.Collective;
using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Memory;
using PeaEngine.VirtualGpu.Ptx;
using Table = PeaEngine.Cuda.Sys.Driver;

namespace PeaEngine.VirtualGpu.Driver;

/// <summary>
/// The driver's functions over virtual devices, one of each architecture: 0 is sm_80, then sm_86, sm_89 and sm_90. It takes PTX only. What the
/// rules of the real driver leave open happens here at the worst moment: work is done when it is waited for.
/// </summary>
public static unsafe partial class VirtualDriver
{
    static readonly GpuArchitecture[] Devices = [GpuArchitecture.Sm80, GpuArchitecture.Sm86, GpuArchitecture.Sm89, GpuArchitecture.Sm90];

    /// <summary>As the driver's own, texts are never freed.</summary>
    static readonly ConcurrentDictionary<string, nint> Texts = [];

    /// <summary>As many as an A100 has.</summary>
    const int UsualMultiprocessors = 108;

    [ThreadStatic]
    static (CUresult Result, string Text) problem;

    [ThreadStatic]
    static int? multiprocessors;

    /// <summary>Multiprocessors of the devices that the calling thread opens. Kernels are chosen by their number, nothing else depends on it.</summary>
    public static int Multiprocessors
    {
        get => multiprocessors ?? UsualMultiprocessors;
        set => multiprocessors = value;
    }

    /// <summary>The virtual driver, products of matrices, and the real NVRTC.</summary>
    public static CudaLibraries Libraries(NvrtcCompiler compiler) => new(new(Resolve), compiler, loadsPtx: true) { CuBlasLt = new(VirtualCuBlasLt.Table), Nccl = new(VirtualNccl.Table) };

    static nint Resolve(string name) => OfDevices(name) ?? OfMemory(name) ?? OfStreams(name) ?? OfModules(name) ?? OfGraphs(name) ?? throw new NotSupportedException($"the virtual driver has no {name}");

    static nint? OfDevices(string name) => name switch
    {
        nameof(Table.cuInit) => (nint)(delegate* unmanaged<uint, CUresult>)&cuInit,
        nameof(Table.cuDriverGetVersion) => (nint)(delegate* unmanaged<int*, CUresult>)&cuDriverGetVersion,
        nameof(Table.cuGetErrorName) => (nint)(delegate* unmanaged<CUresult, byte**, CUresult>)&cuGetErrorName,
        nameof(Table.cuGetErrorString) => (nint)(delegate* unmanaged<CUresult, byte**, CUresult>)&cuGetErrorString,
        nameof(Table.cuDeviceGetCount) => (nint)(delegate* unmanaged<int*, CUresult>)&cuDeviceGetCount,
        nameof(Table.cuDeviceGet) => (nint)(delegate* unmanaged<CUdevice*, int, CUresult>)&cuDeviceGet,
        nameof(Table.cuDeviceGetName) => (nint)(delegate* unmanaged<byte*, int, CUdevice, CUresult>)&cuDeviceGetName,
        nameof(Table.cuDeviceTotalMem) => (nint)(delegate* unmanaged<nuint*, CUdevice, CUresult>)&cuDeviceTotalMem,
        nameof(Table.cuDeviceGetAttribute) => (nint)(delegate* unmanaged<int*, CUdevice_attribute, CUdevice, CUresult>)&cuDeviceGetAttribute,
        nameof(Table.cuDevicePrimaryCtxRetain) => (nint)(delegate* unmanaged<CUcontext*, CUdevice, CUresult>)&cuDevicePrimaryCtxRetain,
        nameof(Table.cuDevicePrimaryCtxRelease) => (nint)(delegate* unmanaged<CUdevice, CUresult>)&cuDevicePrimaryCtxRelease,
        nameof(Table.cuCtxSetCurrent) => (nint)(delegate* unmanaged<CUcontext, CUresult>)&cuCtxSetCurrent,
        nameof(Table.cuCtxSynchronize) => (nint)(delegate* unmanaged<CUresult>)&cuCtxSynchronize,
        _ => null,
    };

    [UnmanagedCallersOnly]
    static CUresult cuInit(uint flags) => flags == 0 ? CUresult.CUDA_SUCCESS : CUresult.CUDA_ERROR_INVALID_VALUE;

    [UnmanagedCallersOnly]
    static CUresult cuDriverGetVersion(int* version)
    {
        *version = 11080;
        return CUresult.CUDA_SUCCESS;
    }

    [UnmanagedCallersOnly]
    static CUresult cuGetErrorName(CUresult error, byte** text)
    {
        *text = Text(error.ToString());
        return Enum.IsDefined(error) ? CUresult.CUDA_SUCCESS : CUresult.CUDA_ERROR_INVALID_VALUE;
    }

    /// <summary>What was wrong, if it is the last error of the thread's calls.</summary>
    [UnmanagedCallersOnly]
    static CUresult cuGetErrorString(CUresult error, byte** text)
    {
        *text = Text(problem.Result == error ? problem.Text : "the virtual driver says no more");
        return Enum.IsDefined(error) ? CUresult.CUDA_SUCCESS : CUresult.CUDA_ERROR_INVALID_VALUE;
    }

    [UnmanagedCallersOnly]
    static CUresult cuDeviceGetCount(int* count)
    {
        *count = Devices.Length;
        return CUresult.CUDA_SUCCESS;
    }

    [UnmanagedCallersOnly]
    static CUresult cuDeviceGet(CUdevice* device, int ordinal)
    {
        *device = ordinal;
        return (uint)ordinal < (uint)Devices.Length ? CUresult.CUDA_SUCCESS : CUresult.CUDA_ERROR_INVALID_DEVICE;
    }

    [UnmanagedCallersOnly]
    static CUresult cuDeviceGetName(byte* name, int length, CUdevice device)
    {
        var text = Encoding.UTF8.GetBytes($"Virtual GPU sm_{Devices[device].Number}\0");
        if (text.Length > length) return CUresult.CUDA_ERROR_INVALID_VALUE;
        text.CopyTo(new Span<byte>(name, length));
        return CUresult.CUDA_SUCCESS;
    }

    [UnmanagedCallersOnly]
    static CUresult cuDeviceTotalMem(nuint* bytes, CUdevice device)
    {
        *bytes = (nuint)VirtualContext.MemoryBytes;
        return CUresult.CUDA_SUCCESS;
    }

    [UnmanagedCallersOnly]
    static CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice device)
    {
        var architecture = Devices[device];
        *value = attribute switch
        {
            CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT => Multiprocessors,
            CUdevice_attribute.CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE => 40 << 20,
            CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR => architecture.Major,
            CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR => architecture.Minor,
            CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN => architecture.SharedPerBlock,
            CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED => 1,
            _ => -1,
        };
        return *value >= 0 ? CUresult.CUDA_SUCCESS : CUresult.CUDA_ERROR_INVALID_VALUE;
    }

    /// <summary>A context of its own for whoever asks: the fault of one must not be another's.</summary>
    [UnmanagedCallersOnly]
    static CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device)
    {
        var opened = new VirtualContext(Devices[device]);
        *context = opened.Handle = Registry.Add(opened);
        return CUresult.CUDA_SUCCESS;
    }

    /// <summary>Closes the thread's current context.</summary>
    [UnmanagedCallersOnly]
    static CUresult cuDevicePrimaryCtxRelease(CUdevice device)
    {
        if (VirtualContext.Current is not { } context) return CUresult.CUDA_ERROR_INVALID_CONTEXT;
        lock (context.Gate)
        {
            // After a fault nobody could unload them.
            foreach (var module in context.Modules) Unload(module);
            context.Close();
        }
        Registry.Remove<VirtualContext>(context.Handle);
        VirtualContext.Current = null;
        return CUresult.CUDA_SUCCESS;
    }

    [UnmanagedCallersOnly]
    static CUresult cuCtxSetCurrent(CUcontext context) => Safely(() => VirtualContext.Current = context == 0 ? null : Registry.Get<VirtualContext>(context));

    [UnmanagedCallersOnly]
    static CUresult cuCtxSynchronize() => InContext(context =>
    {
        ExpectNoCapture(context);
        context.Synchronize();
    });

    static byte* Text(string text) => (byte*)Texts.GetOrAdd(text, Marshal.StringToCoTaskMemUTF8);

    /// <summary>A call in the thread's context, one at a time. After a fault nothing is done any more.</summary>
    static CUresult InContext(Action<VirtualContext> call)
    {
        if (VirtualContext.Current is not { } context) return Fail(CUresult.CUDA_ERROR_INVALID_CONTEXT, "no context is current");
        lock (context.Gate)
        {
            if (context.Fault is { } fault) return Fail(CUresult.CUDA_ERROR_LAUNCH_FAILED, fault);
            var result = Safely(() => call(context));
            if (result.IsSticky()) context.Fault = problem.Text;
            return result;
        }
    }

    /// <summary>A call whose exceptions become the driver's errors.</summary>
    static CUresult Safely(Action call)
    {
        try
        {
            call();
            return CUresult.CUDA_SUCCESS;
        }
        catch (TrapException error)
        {
            return Fail(CUresult.CUDA_ERROR_LAUNCH_FAILED, error.Message);
        }
        catch (MemoryException error)
        {
            return Fail(CUresult.CUDA_ERROR_ILLEGAL_ADDRESS, error.Message);
        }
        catch (PtxException error)
        {
            return Fail(CUresult.CUDA_ERROR_INVALID_PTX, error.Message);
        }
        catch (HandleException error)
        {
            return Fail(CUresult.CUDA_ERROR_INVALID_HANDLE, error.Message);
        }
        catch (LaunchException error)
        {
            return Fail(CUresult.CUDA_ERROR_INVALID_VALUE, error.Message);
        }
        catch (CallException error)
        {
            return Fail(error.Result, error.Message);
        }
        catch (Exception error)
        {
            return Fail(CUresult.CUDA_ERROR_UNKNOWN, error.ToString());
        }
    }

    static CUresult Fail(CUresult result, string text)
    {
        problem = (result, text);
        return result;
    }

    /// <summary>Nothing may wait while a graph is captured, and the capture is lost by the attempt.</summary>
    static void ExpectNoCapture(VirtualContext context)
    {
        if (!context.IsCapturing) return;
        context.BreakCaptures();
        throw new CallException(CUresult.CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "waits while a graph is captured");
    }
}

/// <summary>A call that ends with an error of its own.</summary>
sealed class CallException(CUresult result, string message) : Exception(message)
{
    public CUresult Result { get; } = result;
}
