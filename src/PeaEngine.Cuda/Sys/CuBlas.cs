namespace PeaEngine.Cuda.Sys;

/// <summary>
/// The functions of cuBLAS that the engine calls, under the names that the libraries of 11, 12 and 13 export them by. Matrices are column
/// by column; <c>alpha</c> and <c>beta</c> are F32 in host memory (<c>CUBLAS_POINTER_MODE_HOST</c>, the default). The resolver gives an address or throws.
/// </summary>
sealed unsafe class CuBlas(Func<string, nint> resolve)
{
    /// <summary>handle; of the current context</summary>
    public readonly delegate* unmanaged<cublasHandle*, cublasStatus> cublasCreate_v2 = (delegate* unmanaged<cublasHandle*, cublasStatus>)resolve(nameof(cublasCreate_v2));

    /// <summary>handle</summary>
    public readonly delegate* unmanaged<cublasHandle, cublasStatus> cublasDestroy_v2 = (delegate* unmanaged<cublasHandle, cublasStatus>)resolve(nameof(cublasDestroy_v2));

    /// <summary>handle, version: 10000·major + 100·minor + patch (11.x: 1000·major)</summary>
    public readonly delegate* unmanaged<cublasHandle, int*, cublasStatus> cublasGetVersion_v2 = (delegate* unmanaged<cublasHandle, int*, cublasStatus>)resolve(nameof(cublasGetVersion_v2));

    /// <summary>status; never null, never freed</summary>
    public readonly delegate* unmanaged<cublasStatus, byte*> cublasGetStatusString = (delegate* unmanaged<cublasStatus, byte*>)resolve(nameof(cublasGetStatusString));

    /// <summary>handle, stream; the workspace is the library's own again</summary>
    public readonly delegate* unmanaged<cublasHandle, CUstream, cublasStatus> cublasSetStream_v2 = (delegate* unmanaged<cublasHandle, CUstream, cublasStatus>)resolve(nameof(cublasSetStream_v2));

    /// <summary>handle, workspace aligned to 256 bytes, bytes; fixed, so that results do not depend on what else is in memory and a graph may hold it</summary>
    public readonly delegate* unmanaged<cublasHandle, CUdeviceptr, nuint, cublasStatus> cublasSetWorkspace_v2 =
        (delegate* unmanaged<cublasHandle, CUdeviceptr, nuint, cublasStatus>)resolve(nameof(cublasSetWorkspace_v2));

    /// <summary>handle, mode</summary>
    public readonly delegate* unmanaged<cublasHandle, cublasMath, cublasStatus> cublasSetMathMode = (delegate* unmanaged<cublasHandle, cublasMath, cublasStatus>)resolve(nameof(cublasSetMathMode));

    /// <summary>
    /// handle, transposed A, transposed B, m, n, k, alpha, A, type, lda, B, type, ldb, beta, C, type, ldc, compute type, algorithm:
    /// C [m,n] = alpha · op(A) [m,k] · op(B) [k,n] + beta · C
    /// </summary>
    public readonly delegate* unmanaged<cublasHandle, cublasOperation, cublasOperation, int, int, int, float*, CUdeviceptr, cudaDataType, int, CUdeviceptr, cudaDataType, int,
        float*, CUdeviceptr, cudaDataType, int, cublasComputeType, cublasGemmAlgo, cublasStatus> cublasGemmEx =
        (delegate* unmanaged<cublasHandle, cublasOperation, cublasOperation, int, int, int, float*, CUdeviceptr, cudaDataType, int, CUdeviceptr, cudaDataType, int,
            float*, CUdeviceptr, cudaDataType, int, cublasComputeType, cublasGemmAlgo, cublasStatus>)resolve(nameof(cublasGemmEx));

    /// <summary>
    /// As <see cref="cublasGemmEx"/>, where A, B and C are each followed by the elements to its next matrix, and the compute type comes after
    /// their number.
    /// </summary>
    public readonly delegate* unmanaged<cublasHandle, cublasOperation, cublasOperation, int, int, int, float*, CUdeviceptr, cudaDataType, int, long, CUdeviceptr, cudaDataType, int, long,
        float*, CUdeviceptr, cudaDataType, int, long, int, cublasComputeType, cublasGemmAlgo, cublasStatus> cublasGemmStridedBatchedEx =
        (delegate* unmanaged<cublasHandle, cublasOperation, cublasOperation, int, int, int, float*, CUdeviceptr, cudaDataType, int, long, CUdeviceptr, cudaDataType, int, long,
            float*, CUdeviceptr, cudaDataType, int, long, int, cublasComputeType, cublasGemmAlgo, cublasStatus>)resolve(nameof(cublasGemmStridedBatchedEx));
}
