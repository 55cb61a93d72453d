using System.Runtime.InteropServices;
using PeaEngine.Cuda;
using PeaEngine.Cuda.Sys;
using PeaEngine.VirtualGpu.Driver;

namespace PeaEngine.Tests.Cuda;

/// <summary>cuBLASLt of the virtual devices: products as the documentation defines them, and a look at every argument.</summary>
public sealed unsafe class CudaVirtualBlasTests : IDisposable
{
    const int M = 8, N = 4, K = 24;

    readonly Random random = new(5);
    readonly CudaContext context = new(VirtualDriver.Libraries(NvrtcPresence.Compiler));
    readonly CudaStream stream;
    readonly CuBlasLt blas;
    readonly nint handle, product, preference, layoutA, layoutB, layoutD;

    public CudaVirtualBlasTests()
    {
        stream = new(context);
        blas = context.Libraries.CuBlasLt.Value!;
        nint made;
        Expect(blas.cublasLtCreate(&made));
        handle = made;
        Expect(blas.cublasLtMatmulDescCreate(&made, cublasComputeType.CUBLAS_COMPUTE_32F, cudaDataType.CUDA_R_32F));
        product = made;
        Expect(blas.cublasLtMatmulPreferenceCreate(&made));
        preference = made;
        (layoutA, layoutB, layoutD) = (Layout(K, M), Layout(K, N), Layout(M, N));
        var (transposed, epilogue, address) = ((int)cublasOperation.CUBLAS_OP_T, (int)cublasLtEpilogue.CUBLASLT_EPILOGUE_BIAS, (nint)32);
        Expect(blas.cublasLtMatmulDescSetAttribute(product, cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_TRANSA, &transposed, 4));
        Expect(blas.cublasLtMatmulDescSetAttribute(product, cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, 4));
        Expect(blas.cublasLtMatmulDescSetAttribute(product, cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_BIAS_POINTER, &address, 8));
    }

    public void Dispose()
    {
        foreach (var layout in new[] { layoutA, layoutB, layoutD }) Expect(blas.cublasLtMatrixLayoutDestroy(layout));
        Expect(blas.cublasLtMatmulPreferenceDestroy(preference));
        Expect(blas.cublasLtMatmulDescDestroy(product));
        Expect(blas.cublasLtDestroy(handle));
        context.Dispose();
    }

    [VirtualFact]
    public void AProductWithABiasIsWhatTheDocumentationSays()
    {
        var (a, b, bias) = (Halves(K * M), Halves(K * N), Halves(M));
        var d = stream.Allocate(2 * M * N);
        Expect(Run(Search(), a.Address, b.Address, d.Address, bias.Address));
        var result = new Half[M * N];
        using var staging = new Staging(stream, 1024);
        staging.Download(d.Address, MemoryMarshal.AsBytes(result.AsSpan()));
        for (var m = 0; m < M; m++)
            for (var n = 0; n < N; n++)
                Assert.Equal(bias.Values[m] + Enumerable.Range(0, K).Sum(k => (double)a.Values[m * K + k] * b.Values[n * K + k]), (double)result[n * M + m], 2e-3);
    }

    [VirtualFact]
    public void WhatTheLibraryWouldTakeAmissIsRefused()
    {
        var (a, b, d, bias) = (stream.Allocate(4096).Address, stream.Allocate(4096).Address, stream.Allocate(4096).Address, stream.Allocate(4096).Address);
        var algorithm = Search();
        // Nobody said that addresses may be less than multiples of 256, and the bias was at a multiple of 32.
        Refuses("B begins at", Run(algorithm, a, b + 16, d, bias));
        Refuses("the algorithm takes it for a multiple of 32", Run(algorithm, a, b, d, bias + 16));
        Refuses("a bias at 0x0", Run(algorithm, a, b, d, 0));
        // An algorithm of another product, none at all, too small a workspace.
        var other = Layout(K, N + 1);
        Refuses("is used for", Run(algorithm, a, b, d, bias, other));
        Expect(blas.cublasLtMatrixLayoutDestroy(other));
        float one = 1, zero = 0;
        Refuses("no algorithm", blas.cublasLtMatmul(handle, product, &one, a, layoutA, b, layoutB, &zero, d, layoutD, d, layoutD, null, 0, 0, stream.Handle));
        ulong bytes = 1024;
        Expect(blas.cublasLtMatmulPreferenceSetAttribute(preference, cublasLtMatmulPreferenceAttributes.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes, 8));
        Refuses("the algorithm needs 1024", Run(Search(), a, b, d, bias));
        // Types that are in no row of the documentation's table, a size that no attribute has, a handle of something else.
        nint singles;
        Expect(blas.cublasLtMatrixLayoutCreate(&singles, cudaDataType.CUDA_R_16BF, M, N, M));
        cublasLtMatmulHeuristicResult result;
        int count;
        Refuses("types CUDA_R_16F, CUDA_R_16F, CUDA_R_16BF, CUDA_R_16BF", blas.cublasLtMatmulAlgoGetHeuristic(handle, product, layoutA, layoutB, singles, singles, preference, 1, &result, &count));
        Expect(blas.cublasLtMatrixLayoutDestroy(singles));
        Refuses("of 3 bytes", blas.cublasLtMatmulDescSetAttribute(product, cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_EPILOGUE, &count, 3));
        Refuses("no handle", blas.cublasLtMatrixLayoutDestroy(stream.Handle));
    }

    cublasLtMatmulAlgo Search()
    {
        cublasLtMatmulHeuristicResult result;
        int count;
        Expect(blas.cublasLtMatmulAlgoGetHeuristic(handle, product, layoutA, layoutB, layoutD, layoutD, preference, 1, &result, &count));
        Assert.Equal(1, count);
        return result.algo;
    }

    cublasStatus Run(cublasLtMatmulAlgo algorithm, nint a, nint b, nint d, nint bias, nint? otherB = null)
    {
        float one = 1, zero = 0;
        Expect(blas.cublasLtMatmulDescSetAttribute(product, cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, 8));
        return blas.cublasLtMatmul(handle, product, &one, a, layoutA, b, otherB ?? layoutB, &zero, d, layoutD, d, layoutD, &algorithm, 0, 0, stream.Handle);
    }

    nint Layout(ulong rows, ulong columns)
    {
        nint layout;
        Expect(blas.cublasLtMatrixLayoutCreate(&layout, cudaDataType.CUDA_R_16F, rows, columns, (long)rows));
        return layout;
    }

    (float[] Values, nint Address) Halves(int count)
    {
        Half[] values = [.. Enumerable.Range(0, count).Select(_ => (Half)(random.NextDouble() - 0.5))];
        var memory = stream.Allocate(2 * count);
        using var staging = new Staging(stream, 1024);
        staging.Upload(MemoryMarshal.AsBytes(values.AsSpan()), memory.Address);
        return ([.. values.Select(value => (float)value)], memory.Address);
    }

    void Refuses(string why, cublasStatus status)
    {
        Assert.Equal(cublasStatus.CUBLAS_STATUS_INVALID_VALUE, status);
        Assert.Contains(why, Marshal.PtrToStringUTF8((nint)blas.cublasLtGetStatusString(status)), StringComparison.Ordinal);
    }

    static void Expect(cublasStatus status) => Assert.Equal(cublasStatus.CUBLAS_STATUS_SUCCESS, status);
}
