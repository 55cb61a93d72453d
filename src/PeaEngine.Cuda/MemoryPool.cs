using PeaEngine.Cuda.Sys;

namespace PeaEngine.Cuda;

/// <summary>Stream-ordered memory of a device. It keeps what is given back for the next that asks, until <see cref="Trim"/>.</summary>
sealed unsafe class MemoryPool : CudaResource
{
    const int Pinned = 1, OnDevice = 1;

    readonly CUmemoryPool handle;

    public MemoryPool(CudaContext context) : base(context)
    {
        var driver = context.Driver;
        var properties = new CUmemPoolProps { allocType = Pinned, locationType = OnDevice, locationId = CudaDevice.Handle(driver, context.Device.Ordinal) };
        CUmemoryPool pool;
        context.Bind();
        context.Check(driver.cuMemPoolCreate(&pool, &properties), nameof(driver.cuMemPoolCreate));
        handle = pool;
        var keep = ulong.MaxValue;
        var result = driver.cuMemPoolSetAttribute(pool, CUmemPool_attribute.CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, &keep);
        if (result != CUresult.CUDA_SUCCESS) driver.cuMemPoolDestroy(pool);
        context.Check(result, nameof(driver.cuMemPoolSetAttribute));
        Own();
    }

    /// <summary>Bytes that are in use.</summary>
    public long UsedBytes => Read(CUmemPool_attribute.CU_MEMPOOL_ATTR_USED_MEM_CURRENT);

    /// <summary>Bytes that the pool holds, in use or not.</summary>
    public long ReservedBytes => Read(CUmemPool_attribute.CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT);

    /// <summary>Memory that work on the stream may use from here on.</summary>
    /// <exception cref="CudaException">There is not so much.</exception>
    public CUdeviceptr Allocate(CudaStream stream, long bytes)
    {
        var driver = Context.Driver;
        CUdeviceptr address;
        Context.Bind();
        var result = driver.cuMemAllocFromPoolAsync(&address, (nuint)bytes, handle, stream.Handle);
        if (result == CUresult.CUDA_ERROR_OUT_OF_MEMORY)
        {
            // What other streams have given back, and what the pool keeps in pieces that are too small, may do.
            Context.Synchronize();
            Trim();
            result = driver.cuMemAllocFromPoolAsync(&address, (nuint)bytes, handle, stream.Handle);
            if (result == CUresult.CUDA_ERROR_OUT_OF_MEMORY)
            {
                var (free, total) = Context.Memory();
                Context.Check(result, nameof(driver.cuMemAllocFromPoolAsync), $"{bytes} bytes were asked for, {free} of {total} are free");
            }
        }
        Context.Check(result, nameof(driver.cuMemAllocFromPoolAsync));
        return address;
    }

    /// <summary>Gives back to the device what is not in use.</summary>
    public void Trim()
    {
        Context.Bind();
        Context.Check(Context.Driver.cuMemPoolTrimTo(handle, 0), nameof(Driver.cuMemPoolTrimTo));
    }

    private protected override void Destroy() => Context.Driver.cuMemPoolDestroy(handle);

    long Read(CUmemPool_attribute attribute)
    {
        ulong value;
        Context.Bind();
        Context.Check(Context.Driver.cuMemPoolGetAttribute(handle, attribute, &value), nameof(Driver.cuMemPoolGetAttribute));
        return (long)value;
    }
}
