using PeaEngine.Cuda.Sys;

namespace PeaEngine.Cuda;

/// <summary>Work that the device does in the order in which it was given. Streams do not wait for each other but by events.</summary>
public sealed unsafe class CudaStream : CudaResource
{
    const uint NonBlocking = 1;
    const int ThreadLocalCapture = 1;

    readonly Driver driver;

    /// <summary>An empty stream.</summary>
    public CudaStream(CudaContext context) : base(context)
    {
        driver = context.Driver;
        CUstream handle;
        context.Bind();
        context.Check(driver.cuStreamCreate(&handle, NonBlocking), nameof(driver.cuStreamCreate));
        Handle = handle;
        Own();
    }

    /// <summary>Whether work is recorded into a graph instead of being done.</summary>
    public bool IsCapturing { get; private set; }

    internal CUstream Handle { get; }

    /// <summary>Waits until all work so far is done.</summary>
    public void Synchronize()
    {
        Context.Bind();
        Context.Check(driver.cuStreamSynchronize(Handle), nameof(driver.cuStreamSynchronize));
    }

    /// <summary>Marks the end of the work so far.</summary>
    public void Record(CudaEvent mark)
    {
        Context.Bind();
        Context.Check(driver.cuEventRecord(mark.Handle, Handle), nameof(driver.cuEventRecord));
    }

    /// <summary>Work from here on waits for what the event marks, whichever stream recorded it.</summary>
    public void Wait(CudaEvent mark)
    {
        Context.Bind();
        Context.Check(driver.cuStreamWaitEvent(Handle, mark.Handle, 0), nameof(driver.cuStreamWaitEvent));
    }

    /// <summary>Memory of the device for this stream's work.</summary>
    /// <exception cref="CudaException">There is not so much, or a graph is being recorded, which has no memory of its own.</exception>
    public DeviceBuffer Allocate(long bytes)
    {
        if (IsCapturing) throw InGraph($"{bytes} bytes are asked for");
        return new(this, bytes);
    }

    /// <summary>Copies from pinned memory, which must stay as it is until the copy is done.</summary>
    public void CopyToDevice(PinnedBuffer source, nint destination, int bytes)
    {
        if (IsCapturing) throw InGraph("pinned memory is copied");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, source.Bytes);
        Context.Bind();
        Context.Check(driver.cuMemcpyHtoDAsync(destination, source.Address, (nuint)bytes, Handle), nameof(driver.cuMemcpyHtoDAsync));
    }

    /// <summary>Copies to pinned memory, which must not be read until the copy is done.</summary>
    public void CopyToHost(nint source, PinnedBuffer destination, int bytes)
    {
        if (IsCapturing) throw InGraph("pinned memory is copied to");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, destination.Bytes);
        Context.Bind();
        Context.Check(driver.cuMemcpyDtoHAsync(destination.Address, source, (nuint)bytes, Handle), nameof(driver.cuMemcpyDtoHAsync));
    }

    /// <summary>Copies within the device; the ranges do not overlap.</summary>
    public void Copy(nint source, nint destination, long bytes)
    {
        Context.Bind();
        Context.Check(driver.cuMemcpyDtoDAsync(destination, source, (nuint)bytes, Handle), nameof(driver.cuMemcpyDtoDAsync));
    }

    /// <summary>Sets every byte.</summary>
    public void Fill(nint destination, byte value, long bytes)
    {
        Context.Bind();
        Context.Check(driver.cuMemsetD8Async(destination, value, (nuint)bytes, Handle), nameof(driver.cuMemsetD8Async));
    }

    /// <summary>Records what <paramref name="work"/> gives to this stream, without doing it: kernels, and fills and copies within the device. Where it throws, nothing was recorded and the stream goes on as before.</summary>
    /// <exception cref="CudaException">Something was called that a graph does not hold.</exception>
    public CudaGraph Capture(Action work)
    {
        if (IsCapturing) throw InGraph("another is begun");
        Context.Bind();
        Context.Check(driver.cuStreamBeginCapture(Handle, ThreadLocalCapture), nameof(driver.cuStreamBeginCapture));
        IsCapturing = true;
        CUgraph graph = 0;
        CUresult result;
        try
        {
            work();
        }
        catch
        {
            // The stream is usable again; why the work failed matters more than how the capture ends.
            End();
            if (graph != 0) driver.cuGraphDestroy(graph);
            throw;
        }
        End();
        Context.Check(result, nameof(driver.cuStreamEndCapture));
        return new(Context, graph);

        void End()
        {
            IsCapturing = false;
            CUgraph ended = 0;
            result = driver.cuStreamEndCapture(Handle, &ended);
            graph = ended;
        }
    }

    /// <summary>What a graph cannot do again, in the name of the op that wants it.</summary>
    internal CudaException InGraph(string what) => Context.Refusal($"{what} while a graph is recorded, expected before");

    private protected override void Destroy() => driver.cuStreamDestroy(Handle);
}
