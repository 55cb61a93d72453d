using PeaEngine.Cuda.Sys;

namespace PeaEngine.Cuda;

/// <summary>
/// An open device: its primary context, which cuBLASLt and other libraries of the process share, and a pool of its memory. It owns what is made on it, and what is still there
/// when it is disposed is destroyed then, the youngest first. Calls make it the current context of their thread.
/// </summary>
public sealed unsafe class CudaContext : IDisposable
{
    const int MostDimensions = 8;

    readonly Driver driver;
    readonly CUdevice device;
    readonly CUcontext handle;
    readonly LinkedList<CudaResource> resources = [];
    readonly Lock gate = new();
    readonly long[] shape = new long[MostDimensions];

    CudaException? cause;
    string? op;
    int dimensions;
    bool disposed;

    /// <summary>Opens a device.</summary>
    /// <param name="libraries">NVIDIA's libraries.</param>
    /// <param name="ordinal">The device's number.</param>
    /// <exception cref="CudaException">There is no such device, or it is too old or cannot be opened.</exception>
    public CudaContext(CudaLibraries libraries, int ordinal = 0)
    {
        (Libraries, driver) = (libraries, libraries.Driver);
        driver.Check(driver.cuInit(0), nameof(driver.cuInit));
        var devices = CudaDevice.All(driver);
        if ((uint)ordinal >= (uint)devices.Count)
            throw new CudaException($"cuda:{ordinal}: no such device, {(devices.Count == 0 ? "the driver shows none" : $"expected one of {string.Join(", ", devices.Select(each => $"cuda:{each.Ordinal} ({each.Name})"))}")}");
        Device = devices[ordinal];
        Target = libraries.LoadsPtx ? new(Device.Architecture, IsPtx: true) : KernelTarget.For(Device.Architecture, libraries.Compiler.Architectures);
        device = CudaDevice.Handle(driver, ordinal);
        if (CudaDevice.Attribute(driver, device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED) == 0)
            throw new CudaException($"cuda:{ordinal}: {Device.Name} has no memory pools under this driver, expected stream-ordered memory");
        CUcontext context;
        driver.Check(driver.cuDevicePrimaryCtxRetain(&context, device), nameof(driver.cuDevicePrimaryCtxRetain));
        handle = context;
        try
        {
            Pool = new(this);
        }
        catch
        {
            driver.cuDevicePrimaryCtxRelease(device);
            throw;
        }
    }

    /// <summary>The device.</summary>
    public CudaDevice Device { get; }

    /// <summary>NVIDIA's libraries.</summary>
    public CudaLibraries Libraries { get; }

    /// <summary>What kernels are compiled for.</summary>
    public KernelTarget Target { get; }

    /// <summary>Whether the device was lost: every call fails.</summary>
    public bool IsLost => cause != null;

    internal Driver Driver => driver;

    internal MemoryPool Pool { get; }

    /// <summary>What errors name from here on: the op that is run, and its shape.</summary>
    /// <param name="name">The op.</param>
    /// <param name="extents">Its shape; dimensions beyond the eighth are left out.</param>
    public void Begin(string name, params ReadOnlySpan<long> extents)
    {
        op = name;
        dimensions = Math.Min(extents.Length, MostDimensions);
        extents[..dimensions].CopyTo(shape);
    }

    /// <summary>Free and all memory of the device, in bytes.</summary>
    public (long Free, long Total) Memory()
    {
        nuint free, total;
        Bind();
        Check(driver.cuMemGetInfo(&free, &total), nameof(driver.cuMemGetInfo));
        return ((long)free, (long)total);
    }

    /// <summary>Waits for all work on the device.</summary>
    public void Synchronize()
    {
        Bind();
        Check(driver.cuCtxSynchronize(), nameof(driver.cuCtxSynchronize));
    }

    /// <summary>Destroys what is left, and closes the device.</summary>
    public void Dispose()
    {
        if (disposed) return;
        // Nothing may still use what is destroyed now. A failure has been told or never will matter.
        BindToDestroy();
        driver.cuCtxSynchronize();
        while (Youngest() is { } resource) resource.Dispose();
        disposed = true;
        driver.cuDevicePrimaryCtxRelease(device);
    }

    /// <summary>Makes this the current context of the calling thread, as every call needs it.</summary>
    /// <exception cref="DeviceLostException">The device was lost.</exception>
    internal void Bind()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (cause != null) throw new DeviceLostException(cause);
        Check(driver.cuCtxSetCurrent(handle), nameof(driver.cuCtxSetCurrent));
    }

    /// <summary>The same where something is destroyed, which happens all the same when the device is lost.</summary>
    internal void BindToDestroy() => driver.cuCtxSetCurrent(handle);

    /// <summary>Throws what a call ended with. Errors of work that was given before may come out at any call.</summary>
    /// <exception cref="CudaException">It failed.</exception>
    /// <exception cref="DeviceLostException">It failed for good.</exception>
    internal void Check(CUresult result, string call, string? hint = null)
    {
        if (result != CUresult.CUDA_SUCCESS) Fail(result, call, hint);
    }

    /// <summary>What a call of a library beside the driver failed with.</summary>
    internal CudaException Error(string call, string problem) => new(call, problem, op, shape[..dimensions]);

    /// <summary>What is wrong with what the op wants, before anything was called.</summary>
    internal CudaException Refusal(string message) => new($"{op ?? "cuda"}{(dimensions > 0 ? $" [{string.Join(',', shape[..dimensions])}]" : "")}: {message}");

    internal void Add(CudaResource resource)
    {
        lock (gate) resources.AddLast(resource.Place);
    }

    /// <summary>Whether it was still there.</summary>
    internal bool Remove(CudaResource resource)
    {
        lock (gate)
        {
            if (resource.Place.List == null) return false;
            resources.Remove(resource.Place);
            return true;
        }
    }

    void Fail(CUresult result, string call, string? hint)
    {
        var error = new CudaException(call, driver.Describe(result), op, shape[..dimensions], hint);
        if (!result.IsSticky()) throw error;
        // Other threads may fail at the same time: one cause is enough.
        throw new DeviceLostException(Interlocked.CompareExchange(ref cause, error, null) ?? error);
    }

    CudaResource? Youngest()
    {
        lock (gate) return resources.Last?.Value;
    }
}
