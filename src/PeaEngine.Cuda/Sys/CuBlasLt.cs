namespace PeaEngine.Cuda.Sys;

/// <summary>
/// The functions of cuBLASLt that the engine calls, 11 to 13: products with an epilogue. Matrices are column by column; alpha and beta are F32 in host memory
/// (the default). Descriptors and layouts need no device. The resolver gives an export's address or throws.
/// </summary>
sealed unsafe class CuBlasLt(Func<string, nint> resolve)
{
    /// <summary>handle; of the current context</summary>
    public readonly delegate* unmanaged<cublasLtHandle*, cublasStatus> cublasLtCreate = (delegate* unmanaged<cublasLtHandle*, cublasStatus>)resolve(nameof(cublasLtCreate));

    /// <summary>handle</summary>
    public readonly delegate* unmanaged<cublasLtHandle, cublasStatus> cublasLtDestroy = (delegate* unmanaged<cublasLtHandle, cublasStatus>)resolve(nameof(cublasLtDestroy));

    /// <summary>status; the text is never null and never freed</summary>
    public readonly delegate* unmanaged<cublasStatus, byte*> cublasLtGetStatusString = (delegate* unmanaged<cublasStatus, byte*>)resolve(nameof(cublasLtGetStatusString));

    /// <summary>the version: 10000·major + 100·minor + patch</summary>
    public readonly delegate* unmanaged<nuint> cublasLtGetVersion = (delegate* unmanaged<nuint>)resolve(nameof(cublasLtGetVersion));

    /// <summary>descriptor, compute type, type of alpha and beta</summary>
    public readonly delegate* unmanaged<cublasLtMatmulDesc*, cublasComputeType, cudaDataType, cublasStatus> cublasLtMatmulDescCreate =
        (delegate* unmanaged<cublasLtMatmulDesc*, cublasComputeType, cudaDataType, cublasStatus>)resolve(nameof(cublasLtMatmulDescCreate));

    /// <summary>descriptor</summary>
    public readonly delegate* unmanaged<cublasLtMatmulDesc, cublasStatus> cublasLtMatmulDescDestroy =
        (delegate* unmanaged<cublasLtMatmulDesc, cublasStatus>)resolve(nameof(cublasLtMatmulDescDestroy));

    /// <summary>descriptor, attribute, value, its bytes</summary>
    public readonly delegate* unmanaged<cublasLtMatmulDesc, cublasLtMatmulDescAttributes, void*, nuint, cublasStatus> cublasLtMatmulDescSetAttribute =
        (delegate* unmanaged<cublasLtMatmulDesc, cublasLtMatmulDescAttributes, void*, nuint, cublasStatus>)resolve(nameof(cublasLtMatmulDescSetAttribute));

    /// <summary>layout, type, rows, columns, elements from column to column</summary>
    public readonly delegate* unmanaged<cublasLtMatrixLayout*, cudaDataType, ulong, ulong, long, cublasStatus> cublasLtMatrixLayoutCreate =
        (delegate* unmanaged<cublasLtMatrixLayout*, cudaDataType, ulong, ulong, long, cublasStatus>)resolve(nameof(cublasLtMatrixLayoutCreate));

    /// <summary>layout</summary>
    public readonly delegate* unmanaged<cublasLtMatrixLayout, cublasStatus> cublasLtMatrixLayoutDestroy =
        (delegate* unmanaged<cublasLtMatrixLayout, cublasStatus>)resolve(nameof(cublasLtMatrixLayoutDestroy));

    /// <summary>preference</summary>
    public readonly delegate* unmanaged<cublasLtMatmulPreference*, cublasStatus> cublasLtMatmulPreferenceCreate =
        (delegate* unmanaged<cublasLtMatmulPreference*, cublasStatus>)resolve(nameof(cublasLtMatmulPreferenceCreate));

    /// <summary>preference</summary>
    public readonly delegate* unmanaged<cublasLtMatmulPreference, cublasStatus> cublasLtMatmulPreferenceDestroy =
        (delegate* unmanaged<cublasLtMatmulPreference, cublasStatus>)resolve(nameof(cublasLtMatmulPreferenceDestroy));

    /// <summary>preference, attribute, value, its bytes</summary>
    public readonly delegate* unmanaged<cublasLtMatmulPreference, cublasLtMatmulPreferenceAttributes, void*, nuint, cublasStatus> cublasLtMatmulPreferenceSetAttribute =
        (delegate* unmanaged<cublasLtMatmulPreference, cublasLtMatmulPreferenceAttributes, void*, nuint, cublasStatus>)resolve(nameof(cublasLtMatmulPreferenceSetAttribute));

    /// <summary>handle, descriptor, layouts of A, B, C, D, preference, room for results, results, their number</summary>
    public readonly delegate* unmanaged<cublasLtHandle, cublasLtMatmulDesc, cublasLtMatrixLayout, cublasLtMatrixLayout, cublasLtMatrixLayout, cublasLtMatrixLayout,
        cublasLtMatmulPreference, int, cublasLtMatmulHeuristicResult*, int*, cublasStatus> cublasLtMatmulAlgoGetHeuristic =
        (delegate* unmanaged<cublasLtHandle, cublasLtMatmulDesc, cublasLtMatrixLayout, cublasLtMatrixLayout, cublasLtMatrixLayout, cublasLtMatrixLayout,
            cublasLtMatmulPreference, int, cublasLtMatmulHeuristicResult*, int*, cublasStatus>)resolve(nameof(cublasLtMatmulAlgoGetHeuristic));

    /// <summary>
    /// handle, descriptor, alpha, A, layout, B, layout, beta, C, layout, D, layout, algorithm, workspace, bytes, stream:
    /// D = epilogue(alpha · op(A) · op(B) + beta · C); C may be D
    /// </summary>
    public readonly delegate* unmanaged<cublasLtHandle, cublasLtMatmulDesc, float*, CUdeviceptr, cublasLtMatrixLayout, CUdeviceptr, cublasLtMatrixLayout, float*, CUdeviceptr, cublasLtMatrixLayout,
        CUdeviceptr, cublasLtMatrixLayout, cublasLtMatmulAlgo*, CUdeviceptr, nuint, CUstream, cublasStatus> cublasLtMatmul =
        (delegate* unmanaged<cublasLtHandle, cublasLtMatmulDesc, float*, CUdeviceptr, cublasLtMatrixLayout, CUdeviceptr, cublasLtMatrixLayout, float*, CUdeviceptr, cublasLtMatrixLayout,
            CUdeviceptr, cublasLtMatrixLayout, cublasLtMatmulAlgo*, CUdeviceptr, nuint, CUstream, cublasStatus>)resolve(nameof(cublasLtMatmul));
}
