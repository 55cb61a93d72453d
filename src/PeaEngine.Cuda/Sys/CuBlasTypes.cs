using System.Runtime.InteropServices;

namespace PeaEngine.Cuda.Sys;

/// <summary>What a call to cuBLASLt ended with: the numbers that the engine tells apart.</summary>
enum cublasStatus
{
    CUBLAS_STATUS_SUCCESS = 0,
    CUBLAS_STATUS_NOT_INITIALIZED = 1,
    CUBLAS_STATUS_ALLOC_FAILED = 3,
    CUBLAS_STATUS_INVALID_VALUE = 7,
    CUBLAS_STATUS_ARCH_MISMATCH = 8,
    CUBLAS_STATUS_EXECUTION_FAILED = 13,
    CUBLAS_STATUS_INTERNAL_ERROR = 14,
    CUBLAS_STATUS_NOT_SUPPORTED = 15,
}

/// <summary>Types of elements, <c>library_types.h</c>.</summary>
enum cudaDataType
{
    CUDA_R_32F = 0,
    CUDA_R_16F = 2,
    CUDA_R_16BF = 14,
}

/// <summary>Types of sums. <c>CUBLAS_COMPUTE_32F_FAST_TF32</c> rounds the factors to 10 bits and is never used.</summary>
enum cublasComputeType
{
    CUBLAS_COMPUTE_32F = 68,
}

/// <summary>Whether a factor is transposed.</summary>
enum cublasOperation
{
    CUBLAS_OP_N = 0,
    CUBLAS_OP_T = 1,
}

/// <summary>Attributes of a product.</summary>
enum cublasLtMatmulDescAttributes
{
    CUBLASLT_MATMUL_DESC_TRANSA = 3,
    CUBLASLT_MATMUL_DESC_TRANSB = 4,
    CUBLASLT_MATMUL_DESC_EPILOGUE = 7,
    CUBLASLT_MATMUL_DESC_BIAS_POINTER = 8,
}

/// <summary>What follows a product; the bias has an element a row of D, of D's type.</summary>
enum cublasLtEpilogue
{
    CUBLASLT_EPILOGUE_DEFAULT = 1,
    CUBLASLT_EPILOGUE_BIAS = 4,
}

/// <summary>What the search for an algorithm keeps to. The matrices' addresses are taken for multiples of 256 unless it is told less.</summary>
enum cublasLtMatmulPreferenceAttributes
{
    CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES = 1,
    CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK = 3,
    CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES = 5,
    CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES = 6,
    CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES = 7,
    CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES = 8,
}

/// <summary>How partial sums of a depth that is cut become one: flags. Without any, the depth is not cut.</summary>
[Flags]
enum cublasLtReductionScheme
{
    /// <summary>In D itself and in its type, one after the other.</summary>
    CUBLASLT_REDUCTION_SCHEME_INPLACE = 1,

    /// <summary>In the workspace, in the type of the sums, in a step of its own.</summary>
    CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE = 2,

    /// <summary>In the workspace, in the type of D, in a step of its own.</summary>
    CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE = 4,
}

/// <summary>An algorithm, 64 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
unsafe struct cublasLtMatmulAlgo
{
    /// <summary>The library's own.</summary>
    public fixed ulong data[8];
}

/// <summary>What the search found, 96 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
unsafe struct cublasLtMatmulHeuristicResult
{
    /// <summary>The algorithm.</summary>
    public cublasLtMatmulAlgo algo;

    /// <summary>The bytes of workspace that it needs.</summary>
    public nuint workspaceSize;

    /// <summary>Whether this result is one.</summary>
    public cublasStatus state;

    /// <summary>How often the product fills the device.</summary>
    public float wavesCount;

    /// <summary>Zeros.</summary>
    public fixed int reserved[4];
}
