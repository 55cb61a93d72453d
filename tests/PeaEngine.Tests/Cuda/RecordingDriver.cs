using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using PeaEngine.Cuda;
using PeaEngine.Cuda.Sys;

namespace PeaEngine.Tests.Cuda;

/// <summary>
/// A driver that computes nothing: it remembers what was called with what, gives handles by number, and fails where a test wants it to. Memory of
/// the device is memory of the host.
/// </summary>
sealed unsafe class RecordingDriver
{
    /// <summary>As the driver's own, they are never freed.</summary>
    static readonly ConcurrentDictionary<(string Name, CUresult Result), nint> Texts = [];

    readonly List<Delegate> alive = [];
    readonly Dictionary<string, (CUresult Result, int After)> failures = [];
    int handles;

    delegate CUresult Entry(nint a, nint b, nint c, nint d, nint e);

    delegate CUresult LaunchEntry(nint function, uint gx, uint gy, uint gz, uint bx, uint by, uint bz, uint shared, nint stream, void** parameters, void** extra);

    /// <summary>Names in the order of the calls.</summary>
    public List<string> Calls { get; } = [];

    /// <summary>What the last launch was given: the first parameters' bits, four at most.</summary>
    public ulong[] Parameters { get; private set; } = [];

    /// <summary>How many parameters a launch reads.</summary>
    public int ParameterCount { get; set; }

    /// <summary>Compute capability, as 80.</summary>
    public int Architecture { get; init; } = 80;

    /// <summary>What two of a graph's three nodes are; one is a fill.</summary>
    public CUgraphNodeType GraphNode { get; init; }

    /// <summary>How many devices there are.</summary>
    public int Devices { get; init; } = 1;

    /// <summary>The table.</summary>
    public Driver Table() => new(Resolve);

    /// <summary>The table with no other library behind it: enough for everything but compiling and products.</summary>
    public CudaLibraries Libraries() => new(Table(), null!, loadsPtx: true);

    /// <summary>A call fails from now on, after some that do not.</summary>
    public void Fail(string name, CUresult result, int after = 0) => failures[name] = (result, after);

    nint Resolve(string name)
    {
        Delegate entry = name == nameof(Driver.cuLaunchKernel)
            ? new LaunchEntry((function, gx, gy, gz, bx, by, bz, shared, stream, parameters, extra) =>
            {
                Parameters = [.. Enumerable.Range(0, ParameterCount).Select(i => *(ulong*)parameters[i])];
                return Record($"{name} {gx},{gy},{gz} {bx},{by},{bz} {shared}", name);
            })
            : new Entry((a, b, c, d, e) => name is nameof(Driver.cuGetErrorName) or nameof(Driver.cuGetErrorString) ? Explain(name, (CUresult)a, (nint*)b)
                : Record(name, name) is not CUresult.CUDA_SUCCESS and var failure ? failure : Answer(name, a, b, c, d));
        alive.Add(entry);
        return Marshal.GetFunctionPointerForDelegate(entry);
    }

    CUresult Record(string text, string name)
    {
        if (name != nameof(Driver.cuCtxSetCurrent)) Calls.Add(text);
        if (!failures.TryGetValue(name, out var failure)) return CUresult.CUDA_SUCCESS;
        if (failure.After == 0) return failure.Result;
        failures[name] = failure with { After = failure.After - 1 };
        return CUresult.CUDA_SUCCESS;
    }

    CUresult Answer(string name, nint a, nint b, nint c, nint d)
    {
        switch (name)
        {
            case nameof(Driver.cuDriverGetVersion): *(int*)a = 12040; break;
            case nameof(Driver.cuDeviceGetCount): *(int*)a = Devices; break;
            case nameof(Driver.cuDeviceGet): *(int*)a = (int)b; break;
            case nameof(Driver.cuDeviceGetName): Encoding.UTF8.GetBytes("Recorder\0").CopyTo(new Span<byte>((void*)a, (int)b)); break;
            case nameof(Driver.cuDeviceTotalMem): *(nuint*)a = 1 << 30; break;
            case nameof(Driver.cuMemGetInfo): (*(nuint*)a, *(nuint*)b) = (1 << 20, 1 << 30); break;
            case nameof(Driver.cuDeviceGetAttribute):
                *(int*)a = (CUdevice_attribute)(int)b switch
                {
                    CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR => Architecture / 10,
                    CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR => Architecture % 10,
                    CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED => 1,
                    CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN => 163 << 10,
                    _ => 16,
                };
                break;
            case nameof(Driver.cuFuncGetAttribute): *(int*)a = (CUfunction_attribute)(int)b == CUfunction_attribute.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES ? 1024 : 32; break;
            case nameof(Driver.cuMemAllocFromPoolAsync): *(nint*)a = Marshal.AllocHGlobal(b); break;
            case nameof(Driver.cuMemHostAlloc): *(nint*)a = Marshal.AllocHGlobal(b); break;
            case nameof(Driver.cuMemFreeAsync) or nameof(Driver.cuMemFreeHost): Marshal.FreeHGlobal(a); break;
            case nameof(Driver.cuMemcpyHtoDAsync) or nameof(Driver.cuMemcpyDtoHAsync) or nameof(Driver.cuMemcpyDtoDAsync): Buffer.MemoryCopy((void*)b, (void*)a, c, c); break;
            case nameof(Driver.cuMemsetD8Async): new Span<byte>((void*)a, (int)c).Fill((byte)b); break;
            case nameof(Driver.cuGraphGetNodes):
                *(nuint*)c = 3;
                if (b != 0)
                    for (var i = 0; i < 3; i++) ((nint*)b)[i] = i;
                break;
            case nameof(Driver.cuGraphNodeGetType): *(CUgraphNodeType*)b = a == 1 ? CUgraphNodeType.CU_GRAPH_NODE_TYPE_MEMSET : GraphNode; break;
            case nameof(Driver.cuStreamEndCapture): *(nint*)b = ++handles; break;
            case nameof(Driver.cuDevicePrimaryCtxRetain) or nameof(Driver.cuMemPoolCreate) or nameof(Driver.cuStreamCreate) or nameof(Driver.cuEventCreate) or nameof(Driver.cuModuleLoadDataEx)
                or nameof(Driver.cuModuleGetFunction) or nameof(Driver.cuGraphInstantiateWithFlags):
                *(nint*)a = ++handles;
                break;
        }
        return CUresult.CUDA_SUCCESS;
    }

    static CUresult Explain(string name, CUresult result, nint* text)
    {
        *text = Texts.GetOrAdd((name, result), key => Marshal.StringToCoTaskMemUTF8(key.Name == nameof(Driver.cuGetErrorName) ? key.Result.ToString() : "as the driver puts it"));
        return CUresult.CUDA_SUCCESS;
    }
}
