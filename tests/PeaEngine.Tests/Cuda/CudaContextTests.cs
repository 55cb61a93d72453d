using System.Runtime.InteropServices;
using PeaEngine.Cuda;
using PeaEngine.Cuda.Sys;

namespace PeaEngine.Tests.Cuda;

/// <summary>Who owns what on a device, what the driver is told, and how failures come out.</summary>
public class CudaContextTests
{
    [Fact]
    public void WhatIsLeftIsDestroyedTheYoungestFirst()
    {
        var driver = new RecordingDriver();
        using (var context = new CudaContext(driver.Libraries()))
        {
            var stream = new CudaStream(context);
            stream.Allocate(100);
            var done = new CudaEvent(context);
            _ = new PinnedBuffer(context, 10);
            _ = new CudaModule(context, "code\0"u8, "code");
            var graph = stream.Capture(() => { });
            graph.Dispose();
            graph.Dispose();
            done.Dispose();
            driver.Calls.Clear();
        }
        Assert.Equal(["cuCtxSynchronize", "cuModuleUnload", "cuMemFreeHost", "cuMemFreeAsync", "cuStreamDestroy", "cuMemPoolDestroy", "cuDevicePrimaryCtxRelease"], driver.Calls);
    }

    [Fact]
    public void AClosedContextRefuses()
    {
        var context = new CudaContext(new RecordingDriver().Libraries());
        context.Dispose();
        context.Dispose();
        Assert.Throws<ObjectDisposedException>(context.Synchronize);
    }

    [Fact]
    public void ErrorsNameOpShapeCallAndTheDriversText()
    {
        var driver = new RecordingDriver();
        using var context = new CudaContext(driver.Libraries());
        var stream = new CudaStream(context);
        context.Begin("group_norm", 2, 64, 64, 320);
        driver.Fail(nameof(Driver.cuStreamSynchronize), CUresult.CUDA_ERROR_INVALID_VALUE);
        var error = Assert.Throws<CudaException>(stream.Synchronize);
        Assert.Equal("group_norm [2,64,64,320]: cuStreamSynchronize: CUDA_ERROR_INVALID_VALUE (as the driver puts it)", error.Message);
        Assert.Equal(("group_norm", "cuStreamSynchronize", "CUDA_ERROR_INVALID_VALUE (as the driver puts it)"), (error.Op, error.Call, error.Problem));
        Assert.Equal([2, 64, 64, 320], error.Shape);
        Assert.IsAssignableFrom<PeaException>(error);
        // It was not one for ever.
        Assert.False(context.IsLost);
        context.Synchronize();
    }

    [Theory]
    [InlineData(nameof(CUresult.CUDA_ERROR_ILLEGAL_ADDRESS))]
    [InlineData(nameof(CUresult.CUDA_ERROR_LAUNCH_FAILED))]
    [InlineData(nameof(CUresult.CUDA_ERROR_ECC_UNCORRECTABLE))]
    public void AfterAStickyErrorNothingReachesTheDriver(string name)
    {
        var driver = new RecordingDriver();
        var context = new CudaContext(driver.Libraries());
        var stream = new CudaStream(context);
        var memory = stream.Allocate(16);
        context.Begin("attention", 1, 77);
        driver.Fail(nameof(Driver.cuStreamSynchronize), Enum.Parse<CUresult>(name));
        var first = Assert.Throws<DeviceLostException>(stream.Synchronize);
        Assert.StartsWith($"device lost: attention [1,77]: cuStreamSynchronize: {name} ", first.Message, StringComparison.Ordinal);
        driver.Calls.Clear();
        context.Begin("conv2d", 1, 2, 3);
        foreach (var call in new Action[] { stream.Synchronize, context.Synchronize, () => stream.Allocate(1), () => stream.Fill(memory.Address, 0, 16), () => _ = new CudaEvent(context), () => context.Memory() })
            Assert.Equal(first.Message, Assert.Throws<DeviceLostException>(call).Message);
        Assert.Empty(driver.Calls);
        Assert.True(context.IsLost);
        context.Dispose();
        Assert.Equal(["cuCtxSynchronize", "cuMemFreeAsync", "cuStreamDestroy", "cuMemPoolDestroy", "cuDevicePrimaryCtxRelease"], driver.Calls);
    }

    [Fact]
    public void DevicesThatAreNotThereOrTooOldAreRefused()
    {
        Assert.Equal("cuda:2: no such device, expected one of cuda:0 (Recorder), cuda:1 (Recorder)",
            Assert.Throws<CudaException>(() => new CudaContext(new RecordingDriver { Devices = 2 }.Libraries(), 2)).Message);
        Assert.Equal("cuda:0: no such device, the driver shows none", Assert.Throws<CudaException>(() => new CudaContext(new RecordingDriver { Devices = 0 }.Libraries())).Message);
        var none = new RecordingDriver();
        none.Fail(nameof(Driver.cuInit), CUresult.CUDA_ERROR_NO_DEVICE);
        Assert.Equal("cuInit: CUDA_ERROR_NO_DEVICE (as the driver puts it)", Assert.Throws<CudaException>(() => new CudaContext(none.Libraries())).Message);
        Assert.DoesNotContain("cuDevicePrimaryCtxRetain", none.Calls);
    }

    [Fact]
    public void AFailedOpeningLeavesNothing()
    {
        var driver = new RecordingDriver();
        driver.Fail(nameof(Driver.cuMemPoolSetAttribute), CUresult.CUDA_ERROR_INVALID_VALUE);
        Assert.Throws<CudaException>(() => new CudaContext(driver.Libraries()));
        Assert.Equal(["cuMemPoolCreate", "cuMemPoolSetAttribute", "cuMemPoolDestroy", "cuDevicePrimaryCtxRelease"], driver.Calls[^4..]);
    }

    [Fact]
    public void WhereMemoryIsShortThePoolGivesBackFirst()
    {
        var driver = new RecordingDriver();
        using var context = new CudaContext(driver.Libraries());
        var stream = new CudaStream(context);
        driver.Fail(nameof(Driver.cuMemAllocFromPoolAsync), CUresult.CUDA_ERROR_OUT_OF_MEMORY);
        driver.Calls.Clear();
        var error = Assert.Throws<CudaException>(() => stream.Allocate(1L << 40));
        Assert.EndsWith("cuMemAllocFromPoolAsync: CUDA_ERROR_OUT_OF_MEMORY (as the driver puts it); 1099511627776 bytes were asked for, 1048576 of 1073741824 are free", error.Message, StringComparison.Ordinal);
        Assert.Equal(["cuMemAllocFromPoolAsync", "cuCtxSynchronize", "cuMemPoolTrimTo", "cuMemAllocFromPoolAsync", "cuMemGetInfo"], driver.Calls);
    }

    [Fact]
    public unsafe void CopiesGoThroughTwoBlocksInTurn()
    {
        var driver = new RecordingDriver();
        using var context = new CudaContext(driver.Libraries());
        var stream = new CudaStream(context);
        using var staging = new Staging(stream, 64);
        foreach (var count in (int[])[0, 1, 64, 65, 128, 129, 500])
        {
            var bytes = Enumerable.Range(0, count).Select(i => (byte)(i * 7)).ToArray();
            using var memory = stream.Allocate(Math.Max(count, 1));
            staging.Upload(bytes, memory.Address);
            Assert.Equal(bytes, new ReadOnlySpan<byte>((void*)memory.Address, count));
            var back = new byte[count];
            staging.Download(memory.Address, back);
            Assert.Equal(bytes, back);
        }
        driver.Calls.Clear();
        using var source = stream.Allocate(150);
        staging.Download(source.Address, new byte[150]);
        // The second copy is on its way before the first is waited for.
        Assert.Equal(["cuEventRecord", "cuStreamWaitEvent", "cuMemcpyDtoHAsync", "cuEventRecord", "cuMemcpyDtoHAsync", "cuEventRecord", "cuEventSynchronize", "cuMemcpyDtoHAsync", "cuEventRecord", "cuEventSynchronize", "cuEventSynchronize"], driver.Calls[1..]);
    }

    [Fact]
    public unsafe void ThreadsThatCopyAtTheSameTimeDoNotMixTheirBytes()
    {
        using var context = new CudaContext(new RecordingDriver().Libraries());
        var stream = new CudaStream(context);
        using var staging = new Staging(stream, 16);
        var memories = Enumerable.Range(0, 4).Select(_ => stream.Allocate(5000)).ToArray();
        Parallel.For(0, memories.Length, i => staging.Upload(Enumerable.Repeat((byte)i, 5000).ToArray(), memories[i].Address));
        for (var i = 0; i < memories.Length; i++) Assert.Equal(-1, new ReadOnlySpan<byte>((void*)memories[i].Address, 5000).IndexOfAnyExcept((byte)i));
    }

    [Fact]
    public void ArgumentsArriveWithTheirTypesAndSharedMemoryIsAskedForOnce()
    {
        var driver = new RecordingDriver { ParameterCount = 4 };
        using var context = new CudaContext(driver.Libraries());
        var stream = new CudaStream(context);
        var kernel = new CudaModule(context, "code\0"u8, "code").Kernel("scale");
        kernel.Launch(stream, new(new(3, 2), 128), (nint)0x12345678, -2, long.MaxValue, 1.5f);
        Assert.Equal([0x12345678, uint.MaxValue - 1, (ulong)long.MaxValue, 0x3fc00000], driver.Parameters);
        Assert.Equal("cuLaunchKernel 3,2,1 128,1,1 0", driver.Calls[^1]);
        driver.Calls.Clear();
        // 47 KB beside the kernel's own kilobyte need no leave; more does, once.
        foreach (var bytes in (int[])[47 << 10, 64 << 10, 60 << 10, 64 << 10]) kernel.Launch(stream, new(1, 32, bytes), 0, 0, 0, 0);
        Assert.Equal(1, driver.Calls.Count(call => call == "cuFuncSetAttribute"));
        Assert.Equal("scale: 167936 bytes of shared memory a block, Recorder has 166912", Assert.Throws<CudaException>(() => kernel.Launch(stream, new(1, 32, 163 << 10), 0, 0, 0, 0)).Message);
        driver.Fail(nameof(Driver.cuLaunchKernel), CUresult.CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
        Assert.EndsWith("cuLaunchKernel: CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES (as the driver puts it); scale, grid 1x1x1, block 2048x1x1, shared 0",
            Assert.Throws<CudaException>(() => kernel.Launch(stream, new(1, 2048), 0, 0, 0, 0)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AGraphIsRecordedAndItsWorkCounted()
    {
        var driver = new RecordingDriver();
        using var context = new CudaContext(driver.Libraries());
        var stream = new CudaStream(context);
        var graph = stream.Capture(() => Assert.True(stream.IsCapturing));
        Assert.False(stream.IsCapturing);
        Assert.Equal(new() { [CUgraphNodeType.CU_GRAPH_NODE_TYPE_KERNEL] = 2, [CUgraphNodeType.CU_GRAPH_NODE_TYPE_MEMSET] = 1 }, new Dictionary<CUgraphNodeType, int>(graph.Nodes));
        graph.Launch(stream);
        Assert.Equal("cuGraphLaunch", driver.Calls[^1]);
        Assert.Contains("cuGraphDestroy", driver.Calls);
    }

    [Fact]
    public void WorkThatFailsEndsTheCapture()
    {
        var driver = new RecordingDriver();
        using var context = new CudaContext(driver.Libraries());
        var stream = new CudaStream(context);
        driver.Calls.Clear();
        Assert.Equal("cuda: 16 bytes are asked for while a graph is recorded, expected before", Assert.Throws<CudaException>(() => stream.Capture(() => stream.Allocate(16))).Message);
        Assert.Equal(["cuStreamBeginCapture", "cuStreamEndCapture", "cuGraphDestroy"], driver.Calls);
        Assert.False(stream.IsCapturing);
        driver.Fail(nameof(Driver.cuGraphInstantiateWithFlags), CUresult.CUDA_ERROR_INVALID_VALUE);
        Assert.Throws<CudaException>(() => stream.Capture(() => { }));
        Assert.Equal("cuGraphDestroy", driver.Calls[^1]);
    }

    [Fact]
    public void StructuresHaveTheSizesOfTheHeaders()
    {
        Assert.Equal(88, Marshal.SizeOf<CUmemPoolProps>());
        Assert.Equal(64, Marshal.SizeOf<cublasLtMatmulAlgo>());
        Assert.Equal(96, Marshal.SizeOf<cublasLtMatmulHeuristicResult>());
    }
}
