using System.Runtime.InteropServices;

namespace PeaEngine.Cuda.Sys;

/// <summary>What a call to cuBLAS or cuBLASLt ended with: the numbers that the engine tells apart.</summary>
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

/// <summary>What a product may round: flags.</summary>
[Flags]
enum cublasMath
{
    CUBLAS_DEFAULT_MATH = 0,

    /// <summary>Partial sums are never rounded to the type of the result.</summary>
    CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION = 16,
}

/// <summary>The library's own choice.</summary>
enum cublasGemmAlgo
{
    CUBLAS_GEMM_DEFAULT = -1,
}

/// <summary>Attributes of a product.</summary>
enum cublasLtMatmulDescAttributes
{
    CUBLASLT_MATMUL_DESC_TRANSA = 3,
    CUBLASLT_MATMUL_DESC_TRANSB = 4,
    CUBLASLT_MATMUL_DESC_EPILOGUE = 7,
    CUBLASLT_MATMUL_DESC_BIAS_POINTER = 8,
    CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE = 26,
}

/// <summary>What follows a product; the bias has an element a row of D.</summary>
enum cublasLtEpilogue
{
    CUBLASLT_EPILOGUE_DEFAULT = 1,
    CUBLASLT_EPILOGUE_BIAS = 4,
}

/// <summary>Attributes of a matrix.</summary>
enum cublasLtMatrixLayoutAttribute
{
    CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT = 5,
    CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET = 6,
}

/// <summary>What the search for an algorithm keeps to.</summary>
enum cublasLtMatmulPreferenceAttributes
{
    CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES = 1,
    CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK = 3,
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
