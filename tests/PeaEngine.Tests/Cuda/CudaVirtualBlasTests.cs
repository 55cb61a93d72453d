using System.Runtime.InteropServices;
using PeaEngine.Cuda;
using PeaEngine.Cuda.Sys;
using PeaEngine.VirtualGpu.Driver;

namespace PeaEngine.Tests.Cuda;

/// <summary>cuBLAS and cuBLASLt of the virtual devices: products as the documentation defines them, and a look at every argument.</summary>
public unsafe class CudaVirtualBlasTests
{
    /// <summary>A device with a stream, and matrices of halves on it.</summary>
    sealed class Device : IDisposable
    {
        readonly Random random = new(5);

        public Device()
        {
            Context = new(VirtualDriver.Libraries(NvrtcPresence.Compiler));
            Stream = new(Context);
        }

        public CudaContext Context { get; }

        public CudaStream Stream { get; }

        public (float[] Values, nint Address) Halves(int count)
        {
            Half[] values = [.. Enumerable.Range(0, count).Select(_ => (Half)(random.NextDouble() - 0.5))];
            var memory = Stream.Allocate(2 * count);
            using var staging = new Staging(Stream, 1024);
            staging.Upload(MemoryMarshal.AsBytes(values.AsSpan()), memory.Address);
            return ([.. values.Select(value => (float)value)], memory.Address);
        }

        public T[] Download<T>(nint address, int count) where T : unmanaged
        {
            var values = new T[count];
            using var staging = new Staging(Stream, 1024);
            staging.Download(address, MemoryMarshal.AsBytes(values.AsSpan()));
            return values;
        }

        public void Dispose() => Context.Dispose();
    }

    [NvrtcTheory, InlineData(0, 0), InlineData(1, 0), InlineData(0, 1), InlineData(1, 1)]
    public void ProductsOfABatch(int transposeA, int transposeB)
    {
        const int M = 5, N = 7, K = 33, Batch = 3, Leading = 40, Stride = 40 * 40;
        using var device = new Device();
        var blas = device.Context.Libraries.CuBlas;
        var (a, b, c) = (device.Halves(Batch * Stride), device.Halves(Batch * Stride), device.Halves(Batch * Stride));
        var workspace = device.Stream.Allocate(1 << 16);
        nint created;
        const float Alpha = 0.5f, Beta = 2;
        Assert.Equal(cublasStatus.CUBLAS_STATUS_SUCCESS, blas.cublasCreate_v2(&created));
        var handle = created;
        Assert.Equal(cublasStatus.CUBLAS_STATUS_SUCCESS, blas.cublasSetStream_v2(handle, device.Stream.Handle));
        Assert.Equal(cublasStatus.CUBLAS_STATUS_SUCCESS, blas.cublasSetWorkspace_v2(handle, workspace.Address, 1 << 16));
        Assert.Equal(cublasStatus.CUBLAS_STATUS_SUCCESS, Product(Leading));
        var result = device.Download<Half>(c.Address, Batch * Stride);
        for (var i = 0; i < Batch; i++)
            for (var m = 0; m < M; m++)
                for (var n = 0; n < N; n++)
                {
                    double sum = 0;
                    for (var k = 0; k < K; k++)
                        sum += (double)a.Values[i * Stride + (transposeA == 1 ? m * Leading + k : k * Leading + m)] * b.Values[i * Stride + (transposeB == 1 ? k * Leading + n : n * Leading + k)];
                    var at = i * Stride + n * Leading + m;
                    Assert.Equal(Alpha * sum + Beta * c.Values[at], (double)result[at], 2e-3);
                }
        // Nothing between the columns was touched.
        Assert.Equal(c.Values[M], (float)result[M]);
        Assert.Equal(cublasStatus.CUBLAS_STATUS_INVALID_VALUE, Product(4));
        Assert.Contains("the leading dimension 4 of ", Marshal.PtrToStringUTF8((nint)blas.cublasGetStatusString(cublasStatus.CUBLAS_STATUS_INVALID_VALUE)), StringComparison.Ordinal);
        Assert.Equal(cublasStatus.CUBLAS_STATUS_SUCCESS, blas.cublasDestroy_v2(handle));

        cublasStatus Product(int leading)
        {
            float x = Alpha, y = Beta;
            return blas.cublasGemmStridedBatchedEx(handle, (cublasOperation)transposeA, (cublasOperation)transposeB, M, N, K, &x, a.Address, cudaDataType.CUDA_R_16F, leading, Stride,
                b.Address, cudaDataType.CUDA_R_16F, leading, Stride, &y, c.Address, cudaDataType.CUDA_R_16F, leading, Stride, Batch, cublasComputeType.CUBLAS_COMPUTE_32F, cublasGemmAlgo.CUBLAS_GEMM_DEFAULT);
        }
    }

    [NvrtcFact]
    public void ProductsWithABias()
    {
        const int M = 6, N = 4, K = 20;
        using var device = new Device();
        var blas = device.Context.Libraries.CuBlasLt;
        var (a, b, bias) = (device.Halves(K * M), device.Halves(K * N), device.Halves(M));
        var d = device.Stream.Allocate(2 * M * N);
        nint handle, product, layoutA, layoutB, layoutD;
        Expect(blas.cublasLtCreate(&handle));
        Expect(blas.cublasLtMatmulDescCreate(&product, cublasComputeType.CUBLAS_COMPUTE_32F, cudaDataType.CUDA_R_32F));
        var (transposed, epilogue, address) = ((int)cublasOperation.CUBLAS_OP_T, (int)cublasLtEpilogue.CUBLASLT_EPILOGUE_BIAS, bias.Address);
        Expect(blas.cublasLtMatmulDescSetAttribute(product, cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_TRANSA, &transposed, 4));
        Expect(blas.cublasLtMatmulDescSetAttribute(product, cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, 4));
        Expect(blas.cublasLtMatmulDescSetAttribute(product, cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_BIAS_POINTER, &address, 8));
        Expect(blas.cublasLtMatrixLayoutCreate(&layoutA, cudaDataType.CUDA_R_16F, K, M, K));
        Expect(blas.cublasLtMatrixLayoutCreate(&layoutB, cudaDataType.CUDA_R_16F, K, N, K));
        Expect(blas.cublasLtMatrixLayoutCreate(&layoutD, cudaDataType.CUDA_R_16F, M, N, M));
        float one = 1, zero = 0;
        Expect(blas.cublasLtMatmul(handle, product, &one, a.Address, layoutA, b.Address, layoutB, &zero, d.Address, layoutD, d.Address, layoutD, null, 0, 0, device.Stream.Handle));
        var result = device.Download<Half>(d.Address, M * N);
        for (var m = 0; m < M; m++)
            for (var n = 0; n < N; n++)
                Assert.Equal(bias.Values[m] + Enumerable.Range(0, K).Sum(k => (double)a.Values[m * K + k] * b.Values[n * K + k]), (double)result[n * M + m], 2e-3);
        // A wrong pairing of matrices, a size that no attribute has, a handle of something else.
        Assert.Equal(cublasStatus.CUBLAS_STATUS_INVALID_VALUE, blas.cublasLtMatmul(handle, product, &one, a.Address, layoutD, b.Address, layoutB, &zero, d.Address, layoutD, d.Address, layoutD, null, 0, 0, device.Stream.Handle));
        Assert.Equal(cublasStatus.CUBLAS_STATUS_INVALID_VALUE, blas.cublasLtMatmulDescSetAttribute(product, cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, 3));
        Assert.Equal(cublasStatus.CUBLAS_STATUS_INVALID_VALUE, blas.cublasLtMatrixLayoutDestroy(device.Stream.Handle));
        foreach (var layout in new[] { layoutA, layoutB, layoutD }) Expect(blas.cublasLtMatrixLayoutDestroy(layout));
        Expect(blas.cublasLtMatmulDescDestroy(product));
        Expect(blas.cublasLtDestroy(handle));
    }

    static void Expect(cublasStatus status) => Assert.Equal(cublasStatus.CUBLAS_STATUS_SUCCESS, status);
}
