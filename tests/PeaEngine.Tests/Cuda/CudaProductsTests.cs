using PeaEngine.Backends;
using PeaEngine.Cuda;
using PeaEngine.Cuda.Sys;
using PeaEngine.VirtualGpu.Blas;
using PeaEngine.VirtualGpu.Driver;

namespace PeaEngine.Tests.Cuda;

/// <summary>Which products are cuBLASLt's, what they promise, and what of it is made and destroyed when.</summary>
public class CudaProductsTests
{
    static readonly ProductShape Shape = new(cudaDataType.CUDA_R_16F, 8, 16, 32, HasBias: true);

    static readonly string[] PlansEnd = ["cublasLtMatrixLayoutDestroy", "cublasLtMatrixLayoutDestroy", "cublasLtMatrixLayoutDestroy", "cublasLtMatmulDescDestroy"];

    [Fact]
    public void WhatFollowsFromAShapeIsFoundOnce()
    {
        var (driver, library) = (new RecordingDriver(), new RecordingProducts());
        using (var context = new CudaContext(driver.Libraries()))
        {
            var products = new CudaProducts(library.Table(), new(context));
            Assert.True(products.Run(Shape, 16, 32, 48, 0, 64));
            Assert.Equal("cublasLtMatmul", library.Calls[^1]);
            library.Calls.Clear();
            Assert.True(products.Run(Shape, 16, 32, 48, 64, 64));
            Assert.Equal(["cublasLtMatmulDescSetAttribute", "cublasLtMatmul"], library.Calls);
            Assert.True(products.Run(Shape with { HasBias = false }, 16, 32, 0, 0, 64));
            Assert.Equal(1, library.Calls.Count(call => call == "cublasLtMatmulAlgoGetHeuristic"));
            library.Calls.Clear();
            driver.Calls.Clear();
        }
        Assert.Equal([.. PlansEnd, .. PlansEnd, "cublasLtMatmulPreferenceDestroy", "cublasLtDestroy"], library.Calls);
        Assert.Equal(["cuCtxSynchronize", "cuMemFreeAsync", "cuStreamDestroy", "cuMemPoolDestroy", "cuDevicePrimaryCtxRelease"], driver.Calls);
    }

    [Theory, InlineData(0, null), InlineData(1, nameof(cublasStatus.CUBLAS_STATUS_NOT_SUPPORTED))]
    public void WhatTheLibraryHasNoAlgorithmForIsNotAskedAgain(int algorithms, string? status)
    {
        var library = new RecordingProducts { Algorithms = algorithms };
        if (status != null) library.Failures[nameof(CuBlasLt.cublasLtMatmulAlgoGetHeuristic)] = Enum.Parse<cublasStatus>(status);
        using var context = new CudaContext(new RecordingDriver().Libraries());
        var products = new CudaProducts(library.Table(), new(context));
        Assert.False(products.Run(Shape, 16, 32, 48, 0, 64));
        Assert.Equal(PlansEnd, library.Calls[^4..]);
        library.Calls.Clear();
        Assert.False(products.Run(Shape, 16, 32, 48, 0, 64));
        Assert.Empty(library.Calls);
    }

    [Fact]
    public void ErrorsNameTheOpAndTheLibrarysText()
    {
        var (driver, library) = (new RecordingDriver(), new RecordingProducts());
        using var context = new CudaContext(driver.Libraries());
        var stream = new CudaStream(context);
        context.Begin("linear", 8, 16);
        library.Failures[nameof(CuBlasLt.cublasLtMatmulPreferenceCreate)] = cublasStatus.CUBLAS_STATUS_ALLOC_FAILED;
        var error = Assert.Throws<CudaException>(() => new CudaProducts(library.Table(), stream));
        Assert.Equal("linear [8,16]: cublasLtMatmulPreferenceCreate: CUBLAS_STATUS_ALLOC_FAILED (as the library puts it)", error.Message);
        // What was made before is gone.
        Assert.Equal("cublasLtDestroy", library.Calls[^1]);
        Assert.Equal("cuMemFreeAsync", driver.Calls[^1]);
        library.Failures.Clear();
        var products = new CudaProducts(library.Table(), stream);
        library.Failures[nameof(CuBlasLt.cublasLtMatmul)] = cublasStatus.CUBLAS_STATUS_EXECUTION_FAILED;
        Assert.StartsWith("linear [8,16]: cublasLtMatmul: CUBLAS_STATUS_EXECUTION_FAILED", Assert.Throws<CudaException>(() => products.Run(Shape, 16, 32, 48, 0, 64)).Message, StringComparison.Ordinal);
    }

    static readonly (DType Type, DType Weight, int Depth, int Columns, int Offset, Activation Activation, bool Bias, string[] Launches)[] Routes =
    [
        (DType.F16, DType.F16, 32, 24, 0, Activation.None, false, [VirtualBlas.Name]),
        (DType.BF16, DType.BF16, 8, 8, 0, Activation.None, false, [VirtualBlas.Name]),
        (DType.F32, DType.F32, 12, 4, 0, Activation.None, true, [VirtualBlas.Name]),
        // Their biases are F32; so may be a LoRA's weights.
        (DType.F16, DType.F16, 32, 24, 0, Activation.None, true, ["copy_f32_f16", VirtualBlas.Name]),
        (DType.BF16, DType.F32, 32, 24, 0, Activation.None, true, ["copy_f32_bf16", "copy_f32_bf16", VirtualBlas.Name]),
        (DType.F32, DType.F16, 32, 24, 0, Activation.None, false, ["copy_f16_f32", VirtualBlas.Name]),
        // An activation; rows that begin anywhere, of weight and x, of y; an address that does.
        (DType.F16, DType.F16, 32, 24, 0, Activation.Silu, false, ["linear_64x64_f16"]),
        (DType.F16, DType.F16, 31, 24, 0, Activation.None, false, ["linear_any_f16"]),
        (DType.F16, DType.F16, 32, 20, 0, Activation.None, false, ["linear_64x64_f16"]),
        (DType.F32, DType.F32, 12, 6, 0, Activation.None, false, ["linear_f32"]),
        (DType.F16, DType.F16, 32, 24, 8, Activation.None, false, ["linear_any_f16"]),
    ];

    [VirtualFact]
    public void PlainAlignedProductsAreTheLibrarys()
    {
        using var backend = new CudaBackend(CudaTestDevice.Open());
        using var memory = backend.Allocate(1 << 14);
        backend.Clear(new(memory, 0, [1 << 12], DType.F32));
        foreach (var (type, weightType, depth, columns, offset, activation, bias, expected) in Routes)
        {
            // Multiples of 16 and of no more: the library would take them for multiples of 256.
            Tensor x = new(memory, 16 + offset, [3, depth], type), weight = new(memory, 4112, [columns, depth], weightType), y = new(memory, 12304, [3, columns], type), added = new(memory, 8208, [columns], DType.F32);
            backend.Linear(x, weight, bias ? added : null, y, activation);
            backend.Download(y, new byte[y.Bytes]);
            Assert.Equal(expected, VirtualContext.Current!.Launches.Select(launch => launch.Kernel));
            VirtualContext.Current.ForgetLaunches();
        }
    }

    static readonly (DType Type, DType Weight, int Rows, int Columns, int Depth, int Offset, string[] Input, string[] Parameter)[] GradientRoutes =
    [
        (DType.F16, DType.F16, 24, 16, 40, 0, [VirtualBlas.Name], [VirtualBlas.Name]),
        (DType.BF16, DType.F32, 24, 16, 40, 0, ["copy_f32_bf16", VirtualBlas.Name], [VirtualBlas.Name]),
        (DType.F32, DType.F16, 20, 12, 4, 0, ["copy_f16_f32", VirtualBlas.Name], [VirtualBlas.Name]),
        // Rows of dy and of x that begin anywhere, the number of rows itself means nothing; an address that does.
        (DType.F16, DType.F16, 24, 16, 39, 0, ["linear_backward_any_f16"], ["linear_weight_backward_any_f16"]),
        (DType.F16, DType.F16, 24, 12, 40, 0, ["linear_backward_any_f16"], ["linear_weight_backward_any_f16"]),
        (DType.BF16, DType.BF16, 23, 16, 40, 0, [VirtualBlas.Name], [VirtualBlas.Name]),
        (DType.F16, DType.F16, 24, 16, 40, 8, ["linear_backward_any_f16"], ["linear_weight_backward_any_f16"]),
    ];

    /// <summary>dx = dy · w and dw += dyᵀ · x, w [depth, columns].</summary>
    [VirtualFact]
    public void AlignedGradientsAreTheLibrarysToo()
    {
        using var backend = new CudaBackend(CudaTestDevice.Open());
        using var memory = backend.Allocate(1 << 14);
        backend.Clear(new(memory, 0, [1 << 12], DType.F32));
        foreach (var (type, weightType, rows, columns, depth, offset, input, parameter) in GradientRoutes)
        {
            Tensor dy = new(memory, 16 + offset, [1, rows, depth], type), weight = new(memory, 4112, [depth, columns], weightType), x = new(memory, 8208, [1, rows, columns], type), dWeight = new(memory, 12304, [depth, columns], DType.F32);
            backend.LinearBackward(dy, weight, x);
            Assert.Equal(input, Launched());
            backend.LinearWeightBackward(x, dy, dWeight);
            Assert.Equal(parameter, Launched());

            string[] Launched()
            {
                backend.Download(x, new byte[x.Bytes]);
                string[] launches = [.. VirtualContext.Current!.Launches.Select(launch => launch.Kernel)];
                VirtualContext.Current.ForgetLaunches();
                return launches;
            }
        }
        // A sum over nothing adds nothing, and asks nobody.
        backend.LinearWeightBackward(new(memory, 0, [1, 0, 8], DType.F16), new(memory, 0, [1, 0, 8], DType.F16), new(memory, 0, [8, 8], DType.F32));
    }

    [NvrtcFact]
    public void PartialSumsAreNotRounded()
    {
        using var backend = new CudaBackend(CudaTestDevice.Open());
        using var memory = backend.Allocate(1 << 12);
        Tensor x = new(memory, 0, [1, 16], DType.F16), weight = new(memory, 256, [8, 16], DType.F16), y = new(memory, 1024, [1, 8], DType.F16);
        Half[] factors = new Half[16], ones = new Half[8 * 16];
        // Half of the sum is 2049, which F16 has not.
        (factors[0], factors[1], factors[15]) = ((Half)2048, (Half)1, (Half)(-2048));
        ones.AsSpan().Fill((Half)1);
        backend.Upload(System.Runtime.InteropServices.MemoryMarshal.AsBytes(factors.AsSpan()), x);
        backend.Upload(System.Runtime.InteropServices.MemoryMarshal.AsBytes(ones.AsSpan()), weight);
        backend.Linear(x, weight, null, y);
        var sums = new Half[8];
        backend.Download(y, System.Runtime.InteropServices.MemoryMarshal.AsBytes(sums.AsSpan()));
        Assert.Equal(Enumerable.Repeat((Half)1, 8), sums);
    }
}
