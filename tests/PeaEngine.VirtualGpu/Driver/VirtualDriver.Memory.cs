using System.Runtime.InteropServices;
using PeaEngine.Cuda.Sys;
using PeaEngine.VirtualGpu.Memory;
using Table = PeaEngine.Cuda.Sys.Driver;

namespace PeaEngine.VirtualGpu.Driver;

/// <summary>Memory: an address is there at once, everything else, and leave to use it, in a stream's order.</summary>
public static unsafe partial class VirtualDriver
{
    sealed class Pool;

    static nint? OfMemory(string name) => name switch
    {
        nameof(Table.cuMemGetInfo) => (nint)(delegate* unmanaged<nuint*, nuint*, CUresult>)&cuMemGetInfo,
        nameof(Table.cuMemPoolCreate) => (nint)(delegate* unmanaged<CUmemoryPool*, CUmemPoolProps*, CUresult>)&cuMemPoolCreate,
        nameof(Table.cuMemPoolDestroy) => (nint)(delegate* unmanaged<CUmemoryPool, CUresult>)&cuMemPoolDestroy,
        nameof(Table.cuMemPoolSetAttribute) => (nint)(delegate* unmanaged<CUmemoryPool, CUmemPool_attribute, void*, CUresult>)&cuMemPoolSetAttribute,
        nameof(Table.cuMemPoolGetAttribute) => (nint)(delegate* unmanaged<CUmemoryPool, CUmemPool_attribute, void*, CUresult>)&cuMemPoolGetAttribute,
        nameof(Table.cuMemPoolTrimTo) => (nint)(delegate* unmanaged<CUmemoryPool, nuint, CUresult>)&cuMemPoolTrimTo,
        nameof(Table.cuMemAllocFromPoolAsync) => (nint)(delegate* unmanaged<CUdeviceptr*, nuint, CUmemoryPool, CUstream, CUresult>)&cuMemAllocFromPoolAsync,
        nameof(Table.cuMemFreeAsync) => (nint)(delegate* unmanaged<CUdeviceptr, CUstream, CUresult>)&cuMemFreeAsync,
        nameof(Table.cuMemHostAlloc) => (nint)(delegate* unmanaged<void**, nuint, uint, CUresult>)&cuMemHostAlloc,
        nameof(Table.cuMemFreeHost) => (nint)(delegate* unmanaged<void*, CUresult>)&cuMemFreeHost,
        nameof(Table.cuMemcpyHtoDAsync) => (nint)(delegate* unmanaged<CUdeviceptr, void*, nuint, CUstream, CUresult>)&cuMemcpyHtoDAsync,
        nameof(Table.cuMemcpyDtoHAsync) => (nint)(delegate* unmanaged<void*, CUdeviceptr, nuint, CUstream, CUresult>)&cuMemcpyDtoHAsync,
        nameof(Table.cuMemcpyDtoDAsync) => (nint)(delegate* unmanaged<CUdeviceptr, CUdeviceptr, nuint, CUstream, CUresult>)&cuMemcpyDtoDAsync,
        nameof(Table.cuMemsetD8Async) => (nint)(delegate* unmanaged<CUdeviceptr, byte, nuint, CUstream, CUresult>)&cuMemsetD8Async,
        _ => null,
    };

    [UnmanagedCallersOnly]
    static CUresult cuMemGetInfo(nuint* free, nuint* total) => InContext(context =>
    {
        *free = (nuint)(VirtualContext.MemoryBytes - context.Memory.InUse);
        *total = (nuint)VirtualContext.MemoryBytes;
    });

    [UnmanagedCallersOnly]
    static CUresult cuMemPoolCreate(CUmemoryPool* pool, CUmemPoolProps* properties) => InContext(_ =>
    {
        if (properties->allocType != 1 || properties->locationType != 1) throw new CallException(CUresult.CUDA_ERROR_INVALID_VALUE, "a pool that is not of a device's pinned memory");
        *pool = Registry.Add(new Pool());
    });

    [UnmanagedCallersOnly]
    static CUresult cuMemPoolDestroy(CUmemoryPool pool) => Safely(() => Registry.Remove<Pool>(pool));

    [UnmanagedCallersOnly]
    static CUresult cuMemPoolSetAttribute(CUmemoryPool pool, CUmemPool_attribute attribute, void* value) => Safely(() => Registry.Get<Pool>(pool));

    [UnmanagedCallersOnly]
    static CUresult cuMemPoolGetAttribute(CUmemoryPool pool, CUmemPool_attribute attribute, void* value) => InContext(context =>
    {
        Registry.Get<Pool>(pool);
        *(ulong*)value = (ulong)context.Memory.InUse;
    });

    [UnmanagedCallersOnly]
    static CUresult cuMemPoolTrimTo(CUmemoryPool pool, nuint keep) => Safely(() => Registry.Get<Pool>(pool));

    [UnmanagedCallersOnly]
    static CUresult cuMemAllocFromPoolAsync(CUdeviceptr* address, nuint bytes, CUmemoryPool pool, CUstream stream) => InContext(context =>
    {
        Registry.Get<Pool>(pool);
        var owner = Registry.Get<VirtualStream>(stream);
        if (owner.Capture is not null) ExpectNoCapture(context);
        if (bytes == 0) throw new CallException(CUresult.CUDA_ERROR_INVALID_VALUE, "an allocation of 0 bytes");
        if (bytes > (nuint)(VirtualContext.MemoryBytes - context.Memory.InUse)) throw new CallException(CUresult.CUDA_ERROR_OUT_OF_MEMORY, $"{bytes} bytes");
        var allocation = context.Memory.Allocate((long)bytes);
        *address = (nint)allocation.Address;
        allocation.IsMade = false;
        context.Allocations++;
        owner.Add(CUgraphNodeType.CU_GRAPH_NODE_TYPE_MEM_ALLOC, () => allocation.IsMade = true);
    });

    [UnmanagedCallersOnly]
    static CUresult cuMemFreeAsync(CUdeviceptr address, CUstream stream) => InContext(context =>
    {
        if (context.Memory.Range((ulong)address, 0).Address != (ulong)address) throw new CallException(CUresult.CUDA_ERROR_INVALID_VALUE, $"0x{address:x} is not where an allocation begins");
        Registry.Get<VirtualStream>(stream).Add(CUgraphNodeType.CU_GRAPH_NODE_TYPE_MEM_FREE, () => context.Memory.Free((ulong)address));
    });

    [UnmanagedCallersOnly]
    static CUresult cuMemHostAlloc(void** address, nuint bytes, uint flags) => InContext(context => *address = (void*)context.Pinned.Allocate((long)bytes));

    /// <summary>Waits for all work first, as the real driver does: a copy may still need it.</summary>
    [UnmanagedCallersOnly]
    static CUresult cuMemFreeHost(void* address) => InContext(context =>
    {
        context.Synchronize();
        if (!context.Pinned.Free((nint)address)) throw new CallException(CUresult.CUDA_ERROR_INVALID_VALUE, "no pinned memory begins there");
    });

    [UnmanagedCallersOnly]
    static CUresult cuMemcpyHtoDAsync(CUdeviceptr to, void* from, nuint bytes, CUstream stream) => InContext(context =>
    {
        ExpectPinned(context, from, bytes);
        context.Memory.Range((ulong)to, (long)bytes);
        context.HostCopies++;
        Registry.Get<VirtualStream>(stream).Add(CUgraphNodeType.CU_GRAPH_NODE_TYPE_MEMCPY, () =>
        {
            ExpectMade(context, to);
            context.Memory.Write((ulong)to, new(from, (int)bytes));
        });
    });

    /// <summary>What nothing has written must not be read by the host either.</summary>
    [UnmanagedCallersOnly]
    static CUresult cuMemcpyDtoHAsync(void* to, CUdeviceptr from, nuint bytes, CUstream stream) => InContext(context =>
    {
        ExpectPinned(context, to, bytes);
        context.Memory.Range((ulong)from, (long)bytes);
        context.HostCopies++;
        Registry.Get<VirtualStream>(stream).Add(CUgraphNodeType.CU_GRAPH_NODE_TYPE_MEMCPY, () =>
        {
            ExpectMade(context, from);
            context.Memory.ExpectWritten((ulong)from, (long)bytes);
            context.Memory.Read((ulong)from, new(to, (int)bytes));
        });
    });

    [UnmanagedCallersOnly]
    static CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, nuint bytes, CUstream stream) => InContext(context =>
    {
        context.Memory.Range((ulong)to, (long)bytes);
        context.Memory.Range((ulong)from, (long)bytes);
        Registry.Get<VirtualStream>(stream).Add(CUgraphNodeType.CU_GRAPH_NODE_TYPE_MEMCPY, () => context.Memory.Copy((ulong)to, (ulong)from, (long)bytes));
    });

    [UnmanagedCallersOnly]
    static CUresult cuMemsetD8Async(CUdeviceptr to, byte value, nuint bytes, CUstream stream) => InContext(context =>
    {
        context.Memory.Range((ulong)to, (long)bytes);
        Registry.Get<VirtualStream>(stream).Add(CUgraphNodeType.CU_GRAPH_NODE_TYPE_MEMSET, () => context.Memory.Fill((ulong)to, value, (long)bytes));
    });

    /// <summary>Another stream's work must not be before the making of what it uses.</summary>
    static void ExpectMade(VirtualContext context, CUdeviceptr address)
    {
        if (!context.Memory.Range((ulong)address, 0).IsMade) throw new MemoryException($"0x{address:x}: used before its stream has made it");
    }

    static void ExpectPinned(VirtualContext context, void* address, nuint bytes)
    {
        if (!context.Pinned.Holds((nint)address, (long)bytes)) throw new CallException(CUresult.CUDA_ERROR_INVALID_VALUE, "memory of the host that is not pinned");
    }
}
