using System.Numerics;
using System.Runtime.InteropServices;
using PeaEngine.Cuda;
using PeaEngine.Cuda.Sys;
using PeaEngine.VirtualGpu.Driver;

namespace PeaEngine.VirtualGpu.Blas;

/// <summary>
/// cuBLASLt over virtual devices. Where the real library is there, which needs no device for them, descriptors and layouts are made by it too:
/// it judges every attribute.
/// </summary>
static unsafe class VirtualCuBlasLt
{
    /// <summary>A descriptor, a layout or a preference: what it was made of, its attributes, and the real library's own.</summary>
    sealed class Description
    {
        public nint Real;
        public cudaDataType Type;
        public long Rows, Columns, Leading;
        public Dictionary<int, long> Attributes { get; } = [];

        public long this[cublasLtMatmulDescAttributes attribute] => Attributes.GetValueOrDefault((int)attribute);

        public Matrix At(nint address) => new(address, Type, Rows, Columns, Leading);
    }

    /// <summary>What an algorithm is found for.</summary>
    readonly record struct Problem(bool TransposeA, bool TransposeB, bool HasBias, Matrix A, Matrix B, Matrix C, Matrix D)
    {
        public static Problem Of(Description product, Description a, Description b, Description c, Description d)
        {
            var epilogue = (cublasLtEpilogue)product.Attributes.GetValueOrDefault((int)cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_EPILOGUE, (long)cublasLtEpilogue.CUBLASLT_EPILOGUE_DEFAULT);
            VirtualBlas.Expect(Enum.IsDefined(epilogue), $"epilogue {epilogue}");
            return new(product[cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_TRANSA] == 1, product[cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_TRANSB] == 1,
                epilogue == cublasLtEpilogue.CUBLASLT_EPILOGUE_BIAS, a.At(0), b.At(0), c.At(0), d.At(0));
        }

        /// <summary>Why there is no algorithm for it, or null.</summary>
        public string? Refusal() => new Gemm(TransposeA, TransposeB, A, B, C, D, 1, 1, 0, false).Problem();
    }

    /// <summary>What the search found.</summary>
    sealed class Algorithm
    {
        public Problem Problem { get; init; }
        public long WorkspaceBytes { get; init; }
        public required long[] Alignments { get; init; }

        public long BiasAlignment { get; init; }

        public bool RoundsPartialSums { get; init; }
    }

    /// <summary>Alignments of A, B, C and D.</summary>
    static readonly cublasLtMatmulPreferenceAttributes[] Matrices =
    [
        cublasLtMatmulPreferenceAttributes.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, cublasLtMatmulPreferenceAttributes.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        cublasLtMatmulPreferenceAttributes.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, cublasLtMatmulPreferenceAttributes.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES,
    ];

    static readonly Lazy<CuBlasLt?> RealLibrary = new(() =>
        new LibrarySearch().Find(LibraryName.CuBlasLt) is { } found ? CudaLibraries.Products(found.Handle) : null);

    /// <summary>The table.</summary>
    public static CuBlasLt Table { get; } = new(Resolve);

    /// <summary>Whether the real library judges descriptors.</summary>
    public static bool HasReal => RealLibrary.Value is not null;

    static nint Resolve(string name) => name switch
    {
        nameof(CuBlasLt.cublasLtCreate) => (nint)(delegate* unmanaged<nint*, cublasStatus>)&Create,
        nameof(CuBlasLt.cublasLtDestroy) => (nint)(delegate* unmanaged<nint, cublasStatus>)&Destroy,
        nameof(CuBlasLt.cublasLtGetStatusString) => (nint)(delegate* unmanaged<cublasStatus, byte*>)&GetStatusString,
        nameof(CuBlasLt.cublasLtGetVersion) => (nint)(delegate* unmanaged<nuint>)&GetVersion,
        nameof(CuBlasLt.cublasLtMatmulDescCreate) => (nint)(delegate* unmanaged<nint*, cublasComputeType, cudaDataType, cublasStatus>)&DescCreate,
        nameof(CuBlasLt.cublasLtMatmulDescDestroy) => (nint)(delegate* unmanaged<nint, cublasStatus>)&DescDestroy,
        nameof(CuBlasLt.cublasLtMatmulDescSetAttribute) => (nint)(delegate* unmanaged<nint, cublasLtMatmulDescAttributes, void*, nuint, cublasStatus>)&DescSetAttribute,
        nameof(CuBlasLt.cublasLtMatrixLayoutCreate) => (nint)(delegate* unmanaged<nint*, cudaDataType, ulong, ulong, long, cublasStatus>)&LayoutCreate,
        nameof(CuBlasLt.cublasLtMatrixLayoutDestroy) => (nint)(delegate* unmanaged<nint, cublasStatus>)&LayoutDestroy,
        nameof(CuBlasLt.cublasLtMatmulPreferenceCreate) => (nint)(delegate* unmanaged<nint*, cublasStatus>)&PreferenceCreate,
        nameof(CuBlasLt.cublasLtMatmulPreferenceDestroy) => (nint)(delegate* unmanaged<nint, cublasStatus>)&PreferenceDestroy,
        nameof(CuBlasLt.cublasLtMatmulPreferenceSetAttribute) => (nint)(delegate* unmanaged<nint, cublasLtMatmulPreferenceAttributes, void*, nuint, cublasStatus>)&PreferenceSetAttribute,
        nameof(CuBlasLt.cublasLtMatmulAlgoGetHeuristic) => (nint)(delegate* unmanaged<nint, nint, nint, nint, nint, nint, nint, int, cublasLtMatmulHeuristicResult*, int*, cublasStatus>)&GetHeuristic,
        nameof(CuBlasLt.cublasLtMatmul) => (nint)(delegate* unmanaged<nint, nint, float*, CUdeviceptr, nint, CUdeviceptr, nint, float*, CUdeviceptr, nint, CUdeviceptr, nint, cublasLtMatmulAlgo*, CUdeviceptr, nuint, CUstream, cublasStatus>)&Matmul,
        _ => throw new NotSupportedException($"the virtual cuBLASLt has no {name}"),
    };

    [UnmanagedCallersOnly]
    static cublasStatus Create(nint* handle)
    {
        if (VirtualContext.Current is null) return cublasStatus.CUBLAS_STATUS_NOT_INITIALIZED;
        *handle = Registry.Add(new Description());
        return cublasStatus.CUBLAS_STATUS_SUCCESS;
    }

    [UnmanagedCallersOnly]
    static cublasStatus Destroy(nint handle) => VirtualBlas.Call(() => Registry.Remove<Description>(handle));

    /// <summary>What was wrong with the thread's last call. As the library's own, texts are never freed.</summary>
    [UnmanagedCallersOnly]
    static byte* GetStatusString(cublasStatus status) => (byte*)Marshal.StringToCoTaskMemUTF8(VirtualBlas.Problem ?? status.ToString());

    [UnmanagedCallersOnly]
    static nuint GetVersion() => RealLibrary.Value is { } real ? real.cublasLtGetVersion() : 11803;

    [UnmanagedCallersOnly]
    static cublasStatus DescCreate(nint* descriptor, cublasComputeType compute, cudaDataType scale) => VirtualBlas.Call(() =>
    {
        VirtualBlas.Expect(compute == cublasComputeType.CUBLAS_COMPUTE_32F && scale == cudaDataType.CUDA_R_32F, $"compute type {compute}, scale {scale}");
        nint made = 0;
        if (RealLibrary.Value is { } real) Judge(real.cublasLtMatmulDescCreate(&made, compute, scale), "cublasLtMatmulDescCreate");
        *descriptor = Registry.Add(new Description { Real = made });
    });

    [UnmanagedCallersOnly]
    static cublasStatus DescDestroy(nint descriptor) => VirtualBlas.Call(() =>
    {
        var removed = Registry.Remove<Description>(descriptor);
        if (RealLibrary.Value is { } real) real.cublasLtMatmulDescDestroy(removed.Real);
    });

    [UnmanagedCallersOnly]
    static cublasStatus DescSetAttribute(nint descriptor, cublasLtMatmulDescAttributes attribute, void* value, nuint bytes) => VirtualBlas.Call(() =>
    {
        var told = Registry.Get<Description>(descriptor);
        VirtualBlas.Expect(Enum.IsDefined(attribute) && bytes == (attribute == cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_BIAS_POINTER ? 8u : 4u), $"{attribute} of {bytes} bytes");
        if (RealLibrary.Value is { } real) Judge(real.cublasLtMatmulDescSetAttribute(told.Real, attribute, value, bytes), attribute.ToString());
        told.Attributes[(int)attribute] = bytes == 8 ? *(long*)value : *(int*)value;
    });

    [UnmanagedCallersOnly]
    static cublasStatus LayoutCreate(nint* layout, cudaDataType type, ulong rows, ulong columns, long leading) => VirtualBlas.Call(() =>
    {
        nint made = 0;
        if (RealLibrary.Value is { } real) Judge(real.cublasLtMatrixLayoutCreate(&made, type, rows, columns, leading), "cublasLtMatrixLayoutCreate");
        *layout = Registry.Add(new Description { Real = made, Type = type, Rows = (long)rows, Columns = (long)columns, Leading = leading });
    });

    [UnmanagedCallersOnly]
    static cublasStatus LayoutDestroy(nint layout) => VirtualBlas.Call(() =>
    {
        var removed = Registry.Remove<Description>(layout);
        if (RealLibrary.Value is { } real) real.cublasLtMatrixLayoutDestroy(removed.Real);
    });

    [UnmanagedCallersOnly]
    static cublasStatus PreferenceCreate(nint* preference) => VirtualBlas.Call(() =>
    {
        nint made = 0;
        if (RealLibrary.Value is { } real) Judge(real.cublasLtMatmulPreferenceCreate(&made), "cublasLtMatmulPreferenceCreate");
        *preference = Registry.Add(new Description { Real = made });
    });

    [UnmanagedCallersOnly]
    static cublasStatus PreferenceDestroy(nint preference) => VirtualBlas.Call(() =>
    {
        var removed = Registry.Remove<Description>(preference);
        if (RealLibrary.Value is { } real) real.cublasLtMatmulPreferenceDestroy(removed.Real);
    });

    [UnmanagedCallersOnly]
    static cublasStatus PreferenceSetAttribute(nint preference, cublasLtMatmulPreferenceAttributes attribute, void* value, nuint bytes) => VirtualBlas.Call(() =>
    {
        var told = Registry.Get<Description>(preference);
        VirtualBlas.Expect(Enum.IsDefined(attribute) && bytes == (attribute == cublasLtMatmulPreferenceAttributes.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES ? 8u : 4u), $"{attribute} of {bytes} bytes");
        if (RealLibrary.Value is { } real) Judge(real.cublasLtMatmulPreferenceSetAttribute(told.Real, attribute, value, bytes), attribute.ToString());
        told.Attributes[(int)attribute] = bytes == 8 ? *(long*)value : *(int*)value;
    });

    /// <summary>
    /// One algorithm, the worst that was allowed: it takes the addresses to be aligned as was said, wants all of the workspace, and rounds partial sums where nobody forbade it.
    /// </summary>
    [UnmanagedCallersOnly]
    static cublasStatus GetHeuristic(nint handle, nint descriptor, nint a, nint b, nint c, nint d, nint preference, int room, cublasLtMatmulHeuristicResult* results, int* count) => VirtualBlas.Call(() =>
    {
        Registry.Get<Description>(handle);
        VirtualBlas.Expect(room > 0, $"room for {room} algorithms");
        var told = Registry.Get<Description>(preference);
        var problem = Problem.Of(Registry.Get<Description>(descriptor), Registry.Get<Description>(a), Registry.Get<Description>(b), Registry.Get<Description>(c), Registry.Get<Description>(d));
        VirtualBlas.Expect(problem.Refusal() is null, problem.Refusal() ?? "");
        var algorithm = new Algorithm
        {
            Problem = problem,
            WorkspaceBytes = told.Attributes.GetValueOrDefault((int)cublasLtMatmulPreferenceAttributes.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES),
            Alignments = [.. Matrices.Select(matrix => told.Attributes.GetValueOrDefault((int)matrix, 256))],
            BiasAlignment = Alignment(Registry.Get<Description>(descriptor)[cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_BIAS_POINTER]),
            RoundsPartialSums = (told.Attributes.GetValueOrDefault((int)cublasLtMatmulPreferenceAttributes.CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, 7) & 5) != 0,
        };
        *results = default;
        results->algo.data[0] = (ulong)Registry.Add(algorithm);
        results->workspaceSize = (nuint)algorithm.WorkspaceBytes;
        *count = 1;
    });

    [UnmanagedCallersOnly]
    static cublasStatus Matmul(nint handle, nint descriptor, float* alpha, CUdeviceptr a, nint layoutA, CUdeviceptr b, nint layoutB, float* beta, CUdeviceptr c, nint layoutC, CUdeviceptr d, nint layoutD,
        cublasLtMatmulAlgo* algorithm, CUdeviceptr workspace, nuint bytes, CUstream stream) => VirtualBlas.Call(() =>
    {
        Registry.Get<Description>(handle);
        var told = Registry.Get<Description>(descriptor);
        var (matrixA, matrixB, matrixC, matrixD) = (Registry.Get<Description>(layoutA), Registry.Get<Description>(layoutB), Registry.Get<Description>(layoutC), Registry.Get<Description>(layoutD));
        var problem = Problem.Of(told, matrixA, matrixB, matrixC, matrixD);
        VirtualBlas.Expect(algorithm != null, "no algorithm: the library would search for one in each call");
        var chosen = Registry.Get<Algorithm>((nint)algorithm->data[0]);
        VirtualBlas.Expect(chosen.Problem == problem, $"an algorithm for {chosen.Problem} is used for {problem}");
        VirtualBlas.Expect((long)bytes >= chosen.WorkspaceBytes, $"a workspace of {bytes} bytes, the algorithm needs {chosen.WorkspaceBytes}");
        VirtualBlas.Expect(workspace % 256 == 0, $"a workspace at 0x{workspace:x}, expected a multiple of 256");
        if (bytes > 0) VirtualContext.Current!.Memory.Range((ulong)workspace, (long)bytes);
        foreach (var (name, address, alignment) in new[] { ("A", a, chosen.Alignments[0]), ("B", b, chosen.Alignments[1]), ("C", c, chosen.Alignments[2]), ("D", d, chosen.Alignments[3]) })
            VirtualBlas.Expect(address % alignment == 0, $"{name} begins at 0x{address:x}, the algorithm takes it for a multiple of {alignment}");
        var bias = problem.HasBias ? (nint)told[cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_BIAS_POINTER] : 0;
        VirtualBlas.Expect(!problem.HasBias || bias != 0 && bias % chosen.BiasAlignment == 0, $"a bias at 0x{bias:x}, the algorithm takes it for a multiple of {chosen.BiasAlignment}");
        VirtualBlas.Add(Registry.Get<VirtualStream>(stream), new(problem.TransposeA, problem.TransposeB, matrixA.At(a), matrixB.At(b), matrixC.At(c), matrixD.At(d), *alpha, *beta, bias, chosen.RoundsPartialSums));
    });

    /// <summary>The largest power of two that an address is a multiple of, 256 at most.</summary>
    static long Alignment(long address) => 1L << Math.Min(8, BitOperations.TrailingZeroCount(address));

    static void Judge(cublasStatus status, string what) => VirtualBlas.Expect(status == cublasStatus.CUBLAS_STATUS_SUCCESS, $"the real cuBLASLt says {status} to {what}");
}
