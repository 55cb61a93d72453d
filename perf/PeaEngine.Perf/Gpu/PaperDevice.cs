using System.Runtime.InteropServices;
using System.Text;
using PeaEngine.Backends;
using PeaEngine.Cuda;
using PeaEngine.Cuda.Sys;

namespace PeaEngine.Perf.Gpu;

/// <summary>
/// A device that is on paper only: it gives addresses without memory and writes down what is launched, so that the engine's own code tells, on any machine, which kernels a model of any size
/// is made of. A cuBLASLt that takes every product stands beside it unless it is left out.
/// </summary>
sealed unsafe class PaperDevice
{
    const int MostGridBytes = 1 << 20;

    readonly List<Delegate> alive = [];
    readonly Dictionary<nint, string> entries = [];
    readonly Chip chip;
    readonly bool hasLibrary;
    nint next = MostGridBytes;

    public PaperDevice(Chip chip, bool hasLibrary = true) => (this.chip, this.hasLibrary) = (chip, hasLibrary);

    delegate CUresult Entry(nint a, nint b, nint c, nint d, nint e);

    delegate CUresult LaunchEntry(nint function, uint gx, uint gy, uint gz, uint bx, uint by, uint bz, uint shared, nint stream, void** parameters, void** extra);

    delegate nint LibraryEntry(nint* a, nint b, nint c, nint d, nint e, nint f, nint g, int room, cublasLtMatmulHeuristicResult* results, int* count);

    /// <summary>What was launched, in order.</summary>
    public List<(string Entry, LaunchShape Shape)> Launches { get; } = [];

    /// <summary>The engine's backend on this device.</summary>
    public CudaBackend Open(DType activations)
    {
        var libraries = new CudaLibraries(new(Resolve), new(new(Resolve)), loadsPtx: true) { CuBlasLt = new(() => hasLibrary ? new CuBlasLt(ResolveLibrary) : null) };
        return new(new CudaContext(libraries), activations, new NoKernels(libraries.Compiler));
    }

    nint Resolve(string name) => Keep(name == nameof(Driver.cuLaunchKernel)
        ? new LaunchEntry((function, gx, gy, gz, bx, by, bz, shared, _, _, _) =>
        {
            Launches.Add((entries[function], new(new((int)gx, (int)gy, (int)gz), new((int)bx, (int)by, (int)bz), (int)shared)));
            return CUresult.CUDA_SUCCESS;
        })
        : new Entry((a, b, c, d, e) => Answer(name, a, b, c)));

    nint ResolveLibrary(string name) => Keep(new LibraryEntry((a, _, _, _, _, _, _, _, results, count) =>
    {
        if (name.EndsWith("Create", StringComparison.Ordinal)) *a = ++next;
        if (name == nameof(CuBlasLt.cublasLtMatmulAlgoGetHeuristic)) (*results, *count) = (default, 1);
        if (name == nameof(CuBlasLt.cublasLtMatmul)) Launches.Add((KernelLaunch.Library, default));
        return 0;
    }));

    nint Keep(Delegate entry)
    {
        alive.Add(entry);
        return Marshal.GetFunctionPointerForDelegate(entry);
    }

    CUresult Answer(string name, nint a, nint b, nint c)
    {
        switch (name)
        {
            case nameof(Driver.cuDriverGetVersion): *(int*)a = 11080; break;
            case nameof(Nvrtc.nvrtcVersion): *(int*)a = *(int*)b = 0; break;
            case nameof(Nvrtc.nvrtcGetNumSupportedArchs): *(int*)a = 0; break;
            case nameof(Driver.cuDeviceGetCount): *(int*)a = 1; break;
            case nameof(Driver.cuDeviceGet): *(int*)a = (int)b; break;
            case nameof(Driver.cuDeviceGetName): Encoding.UTF8.GetBytes(chip.Name + '\0').CopyTo(new Span<byte>((void*)a, (int)b)); break;
            case nameof(Driver.cuDeviceTotalMem): *(long*)a = long.MaxValue; break;
            case nameof(Driver.cuMemGetInfo): *(long*)a = *(long*)b = long.MaxValue; break;
            case nameof(Driver.cuDeviceGetAttribute):
                *(int*)a = (CUdevice_attribute)(int)b switch
                {
                    CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT => chip.Multiprocessors,
                    CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR => chip.Architecture / 10,
                    CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR => chip.Architecture % 10,
                    CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN => chip.SharedBytes - 1024,
                    CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED => 1,
                    _ => 0,
                };
                break;
            case nameof(Driver.cuFuncGetAttribute): *(int*)a = 0; break;
            case nameof(Driver.cuMemAllocFromPoolAsync): *(nint*)a = Address(b); break;
            case nameof(Driver.cuMemHostAlloc): *(nint*)a = Address(b); break;
            case nameof(Driver.cuModuleGetFunction): entries.Add(*(nint*)a = ++next, Marshal.PtrToStringUTF8(c)!); break;
            case nameof(Driver.cuMemcpyDtoDAsync): Launches.Add((KernelLaunch.Copy, default)); break;
            case nameof(Driver.cuMemsetD8Async): Launches.Add((KernelLaunch.Fill, default)); break;
            case nameof(Driver.cuDevicePrimaryCtxRetain) or nameof(Driver.cuMemPoolCreate) or nameof(Driver.cuStreamCreate) or nameof(Driver.cuEventCreate) or nameof(Driver.cuModuleLoadDataEx):
                *(nint*)a = ++next;
                break;
        }
        return CUresult.CUDA_SUCCESS;
    }

    /// <summary>An address that nothing else has; nobody may read or write there.</summary>
    nint Address(nint bytes)
    {
        var address = (next + Arena.AlignmentBytes - 1) / Arena.AlignmentBytes * Arena.AlignmentBytes;
        next = address + bytes;
        return address;
    }

    /// <summary>Nothing is compiled for nobody.</summary>
    sealed class NoKernels(NvrtcCompiler compiler) : KernelCache(compiler, "on paper")
    {
        public override byte[] Get(KernelSource source, KernelTarget target) => [0];
    }
}
