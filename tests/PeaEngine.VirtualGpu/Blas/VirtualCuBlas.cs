using System.Runtime.InteropServices;
using PeaEngine.Cuda.Sys;
using PeaEngine.VirtualGpu.Driver;

namespace PeaEngine.VirtualGpu.Blas;

/// <summary>cuBLAS over virtual devices: plain products on the CPU that look at every argument, in the order of a stream.</summary>
static unsafe class VirtualCuBlas
{
    /// <summary>What a handle was told.</summary>
    sealed class Handle
    {
        public VirtualStream? Stream { get; set; }
        public (nint Address, nuint Bytes) Workspace { get; set; }
    }

    static readonly byte* Text = (byte*)Marshal.StringToCoTaskMemUTF8("as the virtual cuBLAS puts it");

    /// <summary>The table.</summary>
    public static CuBlas Table { get; } = new(Resolve);

    static nint Resolve(string name) => name switch
    {
        nameof(CuBlas.cublasCreate_v2) => (nint)(delegate* unmanaged<nint*, cublasStatus>)&Create,
        nameof(CuBlas.cublasDestroy_v2) => (nint)(delegate* unmanaged<nint, cublasStatus>)&Destroy,
        nameof(CuBlas.cublasGetVersion_v2) => (nint)(delegate* unmanaged<nint, int*, cublasStatus>)&GetVersion,
        nameof(CuBlas.cublasGetStatusString) => (nint)(delegate* unmanaged<cublasStatus, byte*>)&GetStatusString,
        nameof(CuBlas.cublasSetStream_v2) => (nint)(delegate* unmanaged<nint, CUstream, cublasStatus>)&SetStream,
        nameof(CuBlas.cublasSetWorkspace_v2) => (nint)(delegate* unmanaged<nint, CUdeviceptr, nuint, cublasStatus>)&SetWorkspace,
        nameof(CuBlas.cublasSetMathMode) => (nint)(delegate* unmanaged<nint, cublasMath, cublasStatus>)&SetMathMode,
        nameof(CuBlas.cublasGemmEx) => (nint)(delegate* unmanaged<nint, cublasOperation, cublasOperation, int, int, int, float*, CUdeviceptr, cudaDataType, int, CUdeviceptr, cudaDataType, int,
            float*, CUdeviceptr, cudaDataType, int, cublasComputeType, cublasGemmAlgo, cublasStatus>)&GemmEx,
        nameof(CuBlas.cublasGemmStridedBatchedEx) => (nint)(delegate* unmanaged<nint, cublasOperation, cublasOperation, int, int, int, float*, CUdeviceptr, cudaDataType, int, long, CUdeviceptr, cudaDataType, int, long,
            float*, CUdeviceptr, cudaDataType, int, long, int, cublasComputeType, cublasGemmAlgo, cublasStatus>)&GemmStridedBatchedEx,
        _ => throw new NotSupportedException($"the virtual cuBLAS has no {name}"),
    };

    [UnmanagedCallersOnly]
    static cublasStatus Create(nint* handle)
    {
        if (VirtualContext.Current is null) return cublasStatus.CUBLAS_STATUS_NOT_INITIALIZED;
        *handle = Registry.Add(new Handle());
        return cublasStatus.CUBLAS_STATUS_SUCCESS;
    }

    [UnmanagedCallersOnly]
    static cublasStatus Destroy(nint handle) => VirtualBlas.Call(() => Registry.Remove<Handle>(handle));

    [UnmanagedCallersOnly]
    static cublasStatus GetVersion(nint handle, int* version)
    {
        *version = 11803;
        return cublasStatus.CUBLAS_STATUS_SUCCESS;
    }

    [UnmanagedCallersOnly]
    static byte* GetStatusString(cublasStatus status) => VirtualBlas.Problem is { } problem ? (byte*)Marshal.StringToCoTaskMemUTF8(problem) : Text;

    [UnmanagedCallersOnly]
    static cublasStatus SetStream(nint handle, CUstream stream) => VirtualBlas.Call(() =>
    {
        var told = Registry.Get<Handle>(handle);
        told.Stream = Registry.Get<VirtualStream>(stream);
        told.Workspace = default;
    });

    [UnmanagedCallersOnly]
    static cublasStatus SetWorkspace(nint handle, CUdeviceptr address, nuint bytes) => VirtualBlas.Call(() =>
    {
        VirtualBlas.Expect(address % 256 == 0, $"a workspace at 0x{address:x}, expected a multiple of 256");
        VirtualContext.Current!.Memory.Range((ulong)address, (long)bytes);
        Registry.Get<Handle>(handle).Workspace = (address, bytes);
    });

    [UnmanagedCallersOnly]
    static cublasStatus SetMathMode(nint handle, cublasMath mode) => VirtualBlas.Call(() => Registry.Get<Handle>(handle));

    [UnmanagedCallersOnly]
    static cublasStatus GemmEx(nint handle, cublasOperation a, cublasOperation b, int m, int n, int k, float* alpha, CUdeviceptr matrixA, cudaDataType typeA, int leadingA, CUdeviceptr matrixB, cudaDataType typeB, int leadingB,
        float* beta, CUdeviceptr matrixC, cudaDataType typeC, int leadingC, cublasComputeType compute, cublasGemmAlgo algorithm) =>
        Product(handle, a, b, m, n, k, alpha, matrixA, typeA, leadingA, 0, matrixB, typeB, leadingB, 0, beta, matrixC, typeC, leadingC, 0, 1, compute);

    [UnmanagedCallersOnly]
    static cublasStatus GemmStridedBatchedEx(nint handle, cublasOperation a, cublasOperation b, int m, int n, int k, float* alpha, CUdeviceptr matrixA, cudaDataType typeA, int leadingA, long strideA,
        CUdeviceptr matrixB, cudaDataType typeB, int leadingB, long strideB, float* beta, CUdeviceptr matrixC, cudaDataType typeC, int leadingC, long strideC, int batch, cublasComputeType compute, cublasGemmAlgo algorithm) =>
        Product(handle, a, b, m, n, k, alpha, matrixA, typeA, leadingA, strideA, matrixB, typeB, leadingB, strideB, beta, matrixC, typeC, leadingC, strideC, batch, compute);

    static cublasStatus Product(nint handle, cublasOperation a, cublasOperation b, int m, int n, int k, float* alpha, nint matrixA, cudaDataType typeA, int leadingA, long strideA,
        nint matrixB, cudaDataType typeB, int leadingB, long strideB, float* beta, nint matrixC, cudaDataType typeC, int leadingC, long strideC, int batch, cublasComputeType compute) => VirtualBlas.Call(() =>
    {
        VirtualBlas.Expect(Enum.IsDefined(a) && Enum.IsDefined(b), $"operations {a}, {b}");
        VirtualBlas.Expect(compute == cublasComputeType.CUBLAS_COMPUTE_32F, $"compute type {compute}");
        var told = Registry.Get<Handle>(handle);
        VirtualBlas.Expect(told.Stream is not null && told.Workspace.Address != 0, "a product without stream and workspace of its own");
        var (transposeA, transposeB) = (a == cublasOperation.CUBLAS_OP_T, b == cublasOperation.CUBLAS_OP_T);
        Matrix c = new(matrixC, typeC, m, n, leadingC, strideC);
        VirtualBlas.Add(told.Stream!, new(transposeA, transposeB, new(matrixA, typeA, transposeA ? k : m, transposeA ? m : k, leadingA, strideA),
            new(matrixB, typeB, transposeB ? n : k, transposeB ? k : n, leadingB, strideB), c, c, *alpha, *beta, 0, default, batch));
    });
}
