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
    }

    static readonly Lazy<CuBlasLt?> RealLibrary = new(() =>
        new LibrarySearch().Find(LibraryName.CuBlasLt) is { } found ? new(name => NativeLibrary.GetExport(found.Handle, name)) : null);

    /// <summary>The table.</summary>
    public static CuBlasLt Table { get; } = new(Resolve);

    /// <summary>Whether the real library judges descriptors.</summary>
    public static bool HasReal => RealLibrary.Value is not null;

    static nint Resolve(string name) => name switch
    {
        nameof(CuBlasLt.cublasLtCreate) => (nint)(delegate* unmanaged<nint*, cublasStatus>)&Create,
        nameof(CuBlasLt.cublasLtDestroy) => (nint)(delegate* unmanaged<nint, cublasStatus>)&Destroy,
        nameof(CuBlasLt.cublasLtGetVersion) => (nint)(delegate* unmanaged<nuint>)&GetVersion,
        nameof(CuBlasLt.cublasLtMatmulDescCreate) => (nint)(delegate* unmanaged<nint*, cublasComputeType, cudaDataType, cublasStatus>)&DescCreate,
        nameof(CuBlasLt.cublasLtMatmulDescDestroy) => (nint)(delegate* unmanaged<nint, cublasStatus>)&DescDestroy,
        nameof(CuBlasLt.cublasLtMatmulDescSetAttribute) => (nint)(delegate* unmanaged<nint, cublasLtMatmulDescAttributes, void*, nuint, cublasStatus>)&DescSetAttribute,
        nameof(CuBlasLt.cublasLtMatrixLayoutCreate) => (nint)(delegate* unmanaged<nint*, cudaDataType, ulong, ulong, long, cublasStatus>)&LayoutCreate,
        nameof(CuBlasLt.cublasLtMatrixLayoutDestroy) => (nint)(delegate* unmanaged<nint, cublasStatus>)&LayoutDestroy,
        nameof(CuBlasLt.cublasLtMatrixLayoutSetAttribute) => (nint)(delegate* unmanaged<nint, cublasLtMatrixLayoutAttribute, void*, nuint, cublasStatus>)&LayoutSetAttribute,
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
        *handle = Registry.Add(new Description());
        return cublasStatus.CUBLAS_STATUS_SUCCESS;
    }

    [UnmanagedCallersOnly]
    static cublasStatus Destroy(nint handle) => VirtualBlas.Call(() => Registry.Remove<Description>(handle));

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
    static cublasStatus LayoutSetAttribute(nint layout, cublasLtMatrixLayoutAttribute attribute, void* value, nuint bytes) => VirtualBlas.Call(() =>
    {
        var told = Registry.Get<Description>(layout);
        VirtualBlas.Expect(Enum.IsDefined(attribute) && bytes == (attribute == cublasLtMatrixLayoutAttribute.CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT ? 4u : 8u), $"{attribute} of {bytes} bytes");
        if (RealLibrary.Value is { } real) Judge(real.cublasLtMatrixLayoutSetAttribute(told.Real, attribute, value, bytes), attribute.ToString());
        told.Attributes[(int)attribute] = bytes == 8 ? *(long*)value : *(int*)value;
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
        VirtualBlas.Expect(Enum.IsDefined(attribute), $"{attribute}");
        if (RealLibrary.Value is { } real) Judge(real.cublasLtMatmulPreferenceSetAttribute(told.Real, attribute, value, bytes), attribute.ToString());
        told.Attributes[(int)attribute] = bytes == 8 ? *(long*)value : *(int*)value;
    });

    /// <summary>One algorithm that needs no workspace.</summary>
    [UnmanagedCallersOnly]
    static cublasStatus GetHeuristic(nint handle, nint descriptor, nint a, nint b, nint c, nint d, nint preference, int room, cublasLtMatmulHeuristicResult* results, int* count) => VirtualBlas.Call(() =>
    {
        foreach (var each in (ReadOnlySpan<nint>)[handle, descriptor, a, b, c, d, preference]) Registry.Get<Description>(each);
        VirtualBlas.Expect(room > 0, $"room for {room} algorithms");
        *results = default;
        *count = 1;
    });

    [UnmanagedCallersOnly]
    static cublasStatus Matmul(nint handle, nint descriptor, float* alpha, CUdeviceptr a, nint layoutA, CUdeviceptr b, nint layoutB, float* beta, CUdeviceptr c, nint layoutC, CUdeviceptr d, nint layoutD,
        cublasLtMatmulAlgo* algorithm, CUdeviceptr workspace, nuint bytes, CUstream stream) => VirtualBlas.Call(() =>
    {
        Registry.Get<Description>(handle);
        var told = Registry.Get<Description>(descriptor);
        if (bytes > 0) VirtualContext.Current!.Memory.Range((ulong)workspace, (long)bytes);
        var epilogue = told.Attributes.TryGetValue((int)cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_EPILOGUE, out var chosen) ? (cublasLtEpilogue)chosen : cublasLtEpilogue.CUBLASLT_EPILOGUE_DEFAULT;
        VirtualBlas.Expect(Enum.IsDefined(epilogue), $"epilogue {epilogue}");
        var hasBias = epilogue == cublasLtEpilogue.CUBLASLT_EPILOGUE_BIAS;
        var bias = hasBias ? (nint)told[cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_BIAS_POINTER] : 0;
        VirtualBlas.Expect(!hasBias || bias != 0, "an epilogue with a bias that is nowhere");
        var (matrixD, batch) = Of(d, layoutD);
        var (matrixA, batchA) = Of(a, layoutA);
        var (matrixB, batchB) = Of(b, layoutB);
        var (matrixC, batchC) = Of(c, layoutC);
        VirtualBlas.Expect(batchA == batch && batchB == batch && batchC == batch, $"batches of {batchA}, {batchB}, {batchC} and {batch} matrices");
        var biasType = told.Attributes.TryGetValue((int)cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, out var type) ? (cudaDataType)type : matrixD.Type;
        VirtualBlas.Add(Registry.Get<VirtualStream>(stream), new(told[cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_TRANSA] == 1, told[cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_TRANSB] == 1,
            matrixA, matrixB, matrixC, matrixD, *alpha, *beta, bias, biasType, batch));
    });

    static (Matrix, int Batch) Of(nint address, nint layout)
    {
        var told = Registry.Get<Description>(layout);
        var batch = told.Attributes.GetValueOrDefault((int)cublasLtMatrixLayoutAttribute.CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, 1);
        return (new(address, told.Type, told.Rows, told.Columns, told.Leading, told.Attributes.GetValueOrDefault((int)cublasLtMatrixLayoutAttribute.CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET)), (int)batch);
    }

    static void Judge(cublasStatus status, string what) => VirtualBlas.Expect(status == cublasStatus.CUBLAS_STATUS_SUCCESS, $"the real cuBLASLt says {status} to {what}");
}
