using PeaEngine.Backends;
using PeaEngine.Cuda;
using PeaEngine.Cuda.Sys;

namespace PeaEngine.Tests.Cuda;

/// <summary>Work that is done once as it is, once into a graph, and then launched; and what a graph does not hold.</summary>
public class CudaRecordingTests
{
    [Fact]
    public void TheFirstRunIsDoneTheSecondRecordedAndTheRestLaunched()
    {
        var driver = new RecordingDriver();
        using var backend = new CudaBackend(new CudaContext(driver.Libraries()));
        using var memory = backend.Allocate(64);
        Tensor x = new(memory, 0, [4], DType.F32), y = new(memory, 16, [4], DType.F32);
        var runs = 0;
        using (var recording = backend.Record(() =>
        {
            runs++;
            backend.Clear(x);
            backend.Copy(x, y);
        }))
        {
            Assert.Equal(["cuMemsetD8Async", "cuMemcpyDtoDAsync"], Calls(recording));
            Assert.Equal(["cuStreamBeginCapture", "cuMemsetD8Async", "cuMemcpyDtoDAsync", "cuStreamEndCapture"], Calls(recording)[..4]);
            Assert.Equal("cuGraphLaunch", driver.Calls[^1]);
            for (var i = 0; i < 3; i++) Assert.Equal(["cuGraphLaunch"], Calls(recording));
            driver.Calls.Clear();
        }
        Assert.Equal(["cuGraphExecDestroy"], driver.Calls);
        Assert.Equal(2, runs);

        List<string> Calls(Recording recording)
        {
            driver.Calls.Clear();
            recording.Run();
            return driver.Calls;
        }
    }

    [Fact]
    public void WithoutAGpuWorkIsDoneAgain()
    {
        using var backend = Device.Open("cpu", 1);
        var runs = 0;
        using var recording = backend.Record(() => runs++);
        for (var i = 0; i < 3; i++) recording.Run();
        Assert.Equal(3, runs);
    }

    [NvrtcTheory, InlineData(0), InlineData(1)]
    public void WorkThatEndsHalfwayMayBeTriedAgain(int failing)
    {
        using var backend = new CudaBackend(CudaTestDevice.Open());
        using var memory = backend.Allocate(256);
        Tensor x = new(memory, 0, [8], DType.F32), y = new(memory, 128, [8], DType.F32);
        var runs = 0;
        using var recording = backend.Record(() =>
        {
            backend.Combine(y, new Term(2, x));
            if (runs++ == failing) throw new OperationCanceledException();
            backend.Combine(y, new Term(1, y), new Term(1, x));
        });
        for (var run = 0; run < 5; run++)
        {
            backend.Upload(Enumerable.Repeat((float)run, 8).ToArray(), x);
            if (run == failing)
            {
                Assert.Throws<OperationCanceledException>(recording.Run);
                // The stream does what it is given, as ever.
                backend.Combine(y, new Term(5, x));
            }
            else recording.Run();
            var values = new float[8];
            backend.Download(y, values);
            Assert.Equal(Enumerable.Repeat(run * (run == failing ? 5f : 3f), 8), values);
        }
        Assert.Equal(3, runs);
    }

    public static TheoryData<string, string> Refused => new()
    {
        { "allocate", "copy [4]: 64 bytes are asked for while a graph is recorded, expected before" },
        { "workspace", "linear [1,6]: 24 bytes are asked for while a graph is recorded, expected before" },
        { "upload", "upload [4]: 16 bytes are uploaded while a graph is recorded, expected before" },
        { "download", "download [4]: 16 bytes are downloaded while a graph is recorded, expected before" },
        { "kernel", "activate [4]: kernel activate_f32 is loaded while a graph is recorded, expected before" },
        { "record", "copy [4]: another is begun while a graph is recorded, expected before" },
        { "free", "cuda: 1 of CU_GRAPH_NODE_TYPE_MEM_FREE in a graph, expected kernels, fills and copies only" },
        { "synchronize", "copy [4]: cuCtxSynchronize: CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED (waits while a graph is captured)" },
    };

    [VirtualTheory, MemberData(nameof(Refused))]
    public void WhatAGraphDoesNotHoldIsRefusedInTheOpsName(string what, string message)
    {
        var context = CudaTestDevice.Open();
        using var backend = new CudaBackend(context);
        using var memory = backend.Allocate(1024);
        Tensor x = new(memory, 0, [4], DType.F32), y = new(memory, 64, [4], DType.F32), weight = new(memory, 256, [6, 1], DType.F16);
        var isRecorded = false;
        Recording? inner = null;
        Storage? other = null;
        using var recording = backend.Record(() =>
        {
            backend.Copy(x, y);
            if (!isRecorded) return;
            switch (what)
            {
                case "allocate": backend.Allocate(64); break;
                case "workspace": backend.Linear(new(memory, 0, [1, 1], DType.F32), weight, null, new(memory, 128, [1, 6], DType.F32)); break;
                case "upload": backend.Upload(new float[4], x); break;
                case "download": backend.Download(y, new float[4]); break;
                case "kernel": backend.Activate(x, y, Activation.Silu); break;
                case "record": inner!.Run(); break;
                case "free": other!.Dispose(); break;
                case "synchronize": context.Synchronize(); break;
            }
        });
        backend.Clear(x);
        recording.Run();
        inner = backend.Record(() => backend.Clear(x));
        inner.Run();
        other = backend.Allocate(64);
        isRecorded = true;
        Assert.Equal(message, Assert.Throws<CudaException>(recording.Run).Message);
        // Nothing is the worse for it.
        isRecorded = false;
        backend.Upload((float[])[1, 2, 3, 4], x);
        for (var i = 0; i < 2; i++) recording.Run();
        var values = new float[4];
        backend.Download(y, values);
        Assert.Equal([1, 2, 3, 4], values);
        inner.Dispose();
    }

    [Fact]
    public void AGraphOfOtherWorkIsNone()
    {
        var driver = new RecordingDriver { GraphNode = CUgraphNodeType.CU_GRAPH_NODE_TYPE_HOST };
        using var context = new CudaContext(driver.Libraries());
        var stream = new CudaStream(context);
        Assert.StartsWith("cuda: 2 of CU_GRAPH_NODE_TYPE_HOST in a graph", Assert.Throws<CudaException>(() => stream.Capture(() => { })).Message, StringComparison.Ordinal);
        Assert.Equal("cuGraphDestroy", driver.Calls[^1]);
    }
}
