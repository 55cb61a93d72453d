namespace PeaEngine.Cuda.Sys;

/// <summary>
/// The functions of NVIDIA's driver that the engine calls: names and signatures of <c>cuda.h</c> 11.8, without the suffixes
/// (<c>cuMemAlloc</c> is what the library exports as <c>cuMemAlloc_v2</c>). The table is filled by a resolver, which gets each name once and
/// gives the address or throws: the real one asks <c>cuGetProcAddress</c> for version 11080 (<see cref="DriverLibrary"/>), that of a virtual
/// device gives its own functions. It knows no other function than these, and calls none with another signature.
/// </summary>
/// <remarks>
/// A pointer argument that the engine may pass as null is named so. Streams are always streams that were created here (never 0), kernels'
/// parameters always come as <c>kernelParams</c> (one pointer a parameter, <c>extra</c> is null), memory comes from a pool, and capture is
/// thread-local.
/// </remarks>
sealed unsafe class Driver(Func<string, nint> resolve)
{
    /// <summary>Functions that a program has made live as long as what made them: the table keeps it.</summary>
    public Func<string, nint> Resolve { get; } = resolve;

    // --- the driver and its devices ---

    /// <summary>flags: 0. Before all others; more than once does no harm.</summary>
    public readonly delegate* unmanaged<uint, CUresult> cuInit = (delegate* unmanaged<uint, CUresult>)resolve(nameof(cuInit));

    /// <summary>version: 1000·major + 10·minor of the newest CUDA that the driver knows.</summary>
    public readonly delegate* unmanaged<int*, CUresult> cuDriverGetVersion = (delegate* unmanaged<int*, CUresult>)resolve(nameof(cuDriverGetVersion));

    /// <summary>error, text: UTF-8, null-terminated, never freed; <c>CUDA_ERROR_INVALID_VALUE</c> for a number that it does not know.</summary>
    public readonly delegate* unmanaged<CUresult, byte**, CUresult> cuGetErrorName = (delegate* unmanaged<CUresult, byte**, CUresult>)resolve(nameof(cuGetErrorName));

    /// <inheritdoc cref="cuGetErrorName"/>
    public readonly delegate* unmanaged<CUresult, byte**, CUresult> cuGetErrorString = (delegate* unmanaged<CUresult, byte**, CUresult>)resolve(nameof(cuGetErrorString));

    /// <summary>count</summary>
    public readonly delegate* unmanaged<int*, CUresult> cuDeviceGetCount = (delegate* unmanaged<int*, CUresult>)resolve(nameof(cuDeviceGetCount));

    /// <summary>device, ordinal</summary>
    public readonly delegate* unmanaged<CUdevice*, int, CUresult> cuDeviceGet = (delegate* unmanaged<CUdevice*, int, CUresult>)resolve(nameof(cuDeviceGet));

    /// <summary>name, length of its buffer in bytes, device</summary>
    public readonly delegate* unmanaged<byte*, int, CUdevice, CUresult> cuDeviceGetName = (delegate* unmanaged<byte*, int, CUdevice, CUresult>)resolve(nameof(cuDeviceGetName));

    /// <summary>bytes, device</summary>
    public readonly delegate* unmanaged<nuint*, CUdevice, CUresult> cuDeviceTotalMem = (delegate* unmanaged<nuint*, CUdevice, CUresult>)resolve(nameof(cuDeviceTotalMem));

    /// <summary>value, attribute, device</summary>
    public readonly delegate* unmanaged<int*, CUdevice_attribute, CUdevice, CUresult> cuDeviceGetAttribute =
        (delegate* unmanaged<int*, CUdevice_attribute, CUdevice, CUresult>)resolve(nameof(cuDeviceGetAttribute));

    // --- the context: the device's primary one, which cuBLASLt and other libraries of the process use too ---

    /// <summary>context, device</summary>
    public readonly delegate* unmanaged<CUcontext*, CUdevice, CUresult> cuDevicePrimaryCtxRetain =
        (delegate* unmanaged<CUcontext*, CUdevice, CUresult>)resolve(nameof(cuDevicePrimaryCtxRetain));

    /// <summary>device</summary>
    public readonly delegate* unmanaged<CUdevice, CUresult> cuDevicePrimaryCtxRelease = (delegate* unmanaged<CUdevice, CUresult>)resolve(nameof(cuDevicePrimaryCtxRelease));

    /// <summary>context; of the calling thread</summary>
    public readonly delegate* unmanaged<CUcontext, CUresult> cuCtxSetCurrent = (delegate* unmanaged<CUcontext, CUresult>)resolve(nameof(cuCtxSetCurrent));

    /// <summary>Waits for all work of the context.</summary>
    public readonly delegate* unmanaged<CUresult> cuCtxSynchronize = (delegate* unmanaged<CUresult>)resolve(nameof(cuCtxSynchronize));

    // --- memory ---

    /// <summary>free, total, in bytes</summary>
    public readonly delegate* unmanaged<nuint*, nuint*, CUresult> cuMemGetInfo = (delegate* unmanaged<nuint*, nuint*, CUresult>)resolve(nameof(cuMemGetInfo));

    /// <summary>pool, properties</summary>
    public readonly delegate* unmanaged<CUmemoryPool*, CUmemPoolProps*, CUresult> cuMemPoolCreate =
        (delegate* unmanaged<CUmemoryPool*, CUmemPoolProps*, CUresult>)resolve(nameof(cuMemPoolCreate));

    /// <summary>pool</summary>
    public readonly delegate* unmanaged<CUmemoryPool, CUresult> cuMemPoolDestroy = (delegate* unmanaged<CUmemoryPool, CUresult>)resolve(nameof(cuMemPoolDestroy));

    /// <summary>pool, attribute, value: a <c>cuuint64_t</c>, or an <c>int</c> for the reuse attributes</summary>
    public readonly delegate* unmanaged<CUmemoryPool, CUmemPool_attribute, void*, CUresult> cuMemPoolSetAttribute =
        (delegate* unmanaged<CUmemoryPool, CUmemPool_attribute, void*, CUresult>)resolve(nameof(cuMemPoolSetAttribute));

    /// <inheritdoc cref="cuMemPoolSetAttribute"/>
    public readonly delegate* unmanaged<CUmemoryPool, CUmemPool_attribute, void*, CUresult> cuMemPoolGetAttribute =
        (delegate* unmanaged<CUmemoryPool, CUmemPool_attribute, void*, CUresult>)resolve(nameof(cuMemPoolGetAttribute));

    /// <summary>pool, bytes to keep</summary>
    public readonly delegate* unmanaged<CUmemoryPool, nuint, CUresult> cuMemPoolTrimTo = (delegate* unmanaged<CUmemoryPool, nuint, CUresult>)resolve(nameof(cuMemPoolTrimTo));

    /// <summary>address, bytes, pool, stream; aligned to 256 bytes at least</summary>
    public readonly delegate* unmanaged<CUdeviceptr*, nuint, CUmemoryPool, CUstream, CUresult> cuMemAllocFromPoolAsync =
        (delegate* unmanaged<CUdeviceptr*, nuint, CUmemoryPool, CUstream, CUresult>)resolve(nameof(cuMemAllocFromPoolAsync));

    /// <summary>address, stream</summary>
    public readonly delegate* unmanaged<CUdeviceptr, CUstream, CUresult> cuMemFreeAsync = (delegate* unmanaged<CUdeviceptr, CUstream, CUresult>)resolve(nameof(cuMemFreeAsync));

    /// <summary>address of the host, bytes, flags: 0</summary>
    public readonly delegate* unmanaged<void**, nuint, uint, CUresult> cuMemHostAlloc = (delegate* unmanaged<void**, nuint, uint, CUresult>)resolve(nameof(cuMemHostAlloc));

    /// <summary>address of the host</summary>
    public readonly delegate* unmanaged<void*, CUresult> cuMemFreeHost = (delegate* unmanaged<void*, CUresult>)resolve(nameof(cuMemFreeHost));

    /// <summary>destination, source (pinned), bytes, stream</summary>
    public readonly delegate* unmanaged<CUdeviceptr, void*, nuint, CUstream, CUresult> cuMemcpyHtoDAsync =
        (delegate* unmanaged<CUdeviceptr, void*, nuint, CUstream, CUresult>)resolve(nameof(cuMemcpyHtoDAsync));

    /// <summary>destination (pinned), source, bytes, stream</summary>
    public readonly delegate* unmanaged<void*, CUdeviceptr, nuint, CUstream, CUresult> cuMemcpyDtoHAsync =
        (delegate* unmanaged<void*, CUdeviceptr, nuint, CUstream, CUresult>)resolve(nameof(cuMemcpyDtoHAsync));

    /// <summary>destination, source, bytes, stream</summary>
    public readonly delegate* unmanaged<CUdeviceptr, CUdeviceptr, nuint, CUstream, CUresult> cuMemcpyDtoDAsync =
        (delegate* unmanaged<CUdeviceptr, CUdeviceptr, nuint, CUstream, CUresult>)resolve(nameof(cuMemcpyDtoDAsync));

    /// <summary>destination, value, bytes, stream</summary>
    public readonly delegate* unmanaged<CUdeviceptr, byte, nuint, CUstream, CUresult> cuMemsetD8Async =
        (delegate* unmanaged<CUdeviceptr, byte, nuint, CUstream, CUresult>)resolve(nameof(cuMemsetD8Async));

    // --- streams and events ---

    /// <summary>stream, flags: 1, <c>CU_STREAM_NON_BLOCKING</c></summary>
    public readonly delegate* unmanaged<CUstream*, uint, CUresult> cuStreamCreate = (delegate* unmanaged<CUstream*, uint, CUresult>)resolve(nameof(cuStreamCreate));

    /// <summary>stream</summary>
    public readonly delegate* unmanaged<CUstream, CUresult> cuStreamDestroy = (delegate* unmanaged<CUstream, CUresult>)resolve(nameof(cuStreamDestroy));

    /// <summary>stream</summary>
    public readonly delegate* unmanaged<CUstream, CUresult> cuStreamSynchronize = (delegate* unmanaged<CUstream, CUresult>)resolve(nameof(cuStreamSynchronize));

    /// <summary>stream, event, flags: 0</summary>
    public readonly delegate* unmanaged<CUstream, CUevent, uint, CUresult> cuStreamWaitEvent = (delegate* unmanaged<CUstream, CUevent, uint, CUresult>)resolve(nameof(cuStreamWaitEvent));

    /// <summary>event, flags: 0, or 2, <c>CU_EVENT_DISABLE_TIMING</c></summary>
    public readonly delegate* unmanaged<CUevent*, uint, CUresult> cuEventCreate = (delegate* unmanaged<CUevent*, uint, CUresult>)resolve(nameof(cuEventCreate));

    /// <summary>event</summary>
    public readonly delegate* unmanaged<CUevent, CUresult> cuEventDestroy = (delegate* unmanaged<CUevent, CUresult>)resolve(nameof(cuEventDestroy));

    /// <summary>event, stream</summary>
    public readonly delegate* unmanaged<CUevent, CUstream, CUresult> cuEventRecord = (delegate* unmanaged<CUevent, CUstream, CUresult>)resolve(nameof(cuEventRecord));

    /// <summary>event</summary>
    public readonly delegate* unmanaged<CUevent, CUresult> cuEventSynchronize = (delegate* unmanaged<CUevent, CUresult>)resolve(nameof(cuEventSynchronize));

    /// <summary>ms, start, end</summary>
    public readonly delegate* unmanaged<float*, CUevent, CUevent, CUresult> cuEventElapsedTime =
        (delegate* unmanaged<float*, CUevent, CUevent, CUresult>)resolve(nameof(cuEventElapsedTime));

    // --- modules and kernels ---

    /// <summary>
    /// module, image (a cubin, or PTX with a null byte at its end), number of options, options, their values. The options are
    /// <see cref="CUjit_option.CU_JIT_ERROR_LOG_BUFFER"/> and its size, so that the text of what was wrong with the image is known.
    /// </summary>
    public readonly delegate* unmanaged<CUmodule*, void*, uint, CUjit_option*, void**, CUresult> cuModuleLoadDataEx =
        (delegate* unmanaged<CUmodule*, void*, uint, CUjit_option*, void**, CUresult>)resolve(nameof(cuModuleLoadDataEx));

    /// <summary>module</summary>
    public readonly delegate* unmanaged<CUmodule, CUresult> cuModuleUnload = (delegate* unmanaged<CUmodule, CUresult>)resolve(nameof(cuModuleUnload));

    /// <summary>function, module, name</summary>
    public readonly delegate* unmanaged<CUfunction*, CUmodule, byte*, CUresult> cuModuleGetFunction =
        (delegate* unmanaged<CUfunction*, CUmodule, byte*, CUresult>)resolve(nameof(cuModuleGetFunction));

    /// <summary>value, attribute, function</summary>
    public readonly delegate* unmanaged<int*, CUfunction_attribute, CUfunction, CUresult> cuFuncGetAttribute =
        (delegate* unmanaged<int*, CUfunction_attribute, CUfunction, CUresult>)resolve(nameof(cuFuncGetAttribute));

    /// <summary>function, attribute, value: <see cref="CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES"/></summary>
    public readonly delegate* unmanaged<CUfunction, CUfunction_attribute, int, CUresult> cuFuncSetAttribute =
        (delegate* unmanaged<CUfunction, CUfunction_attribute, int, CUresult>)resolve(nameof(cuFuncSetAttribute));

    /// <summary>function, grid x, y, z, block x, y, z, bytes of dynamic shared memory, stream, kernelParams, extra: null</summary>
    public readonly delegate* unmanaged<CUfunction, uint, uint, uint, uint, uint, uint, uint, CUstream, void**, void**, CUresult> cuLaunchKernel =
        (delegate* unmanaged<CUfunction, uint, uint, uint, uint, uint, uint, uint, CUstream, void**, void**, CUresult>)resolve(nameof(cuLaunchKernel));

    // --- graphs ---

    /// <summary>stream, mode: 1, <c>CU_STREAM_CAPTURE_MODE_THREAD_LOCAL</c></summary>
    public readonly delegate* unmanaged<CUstream, int, CUresult> cuStreamBeginCapture = (delegate* unmanaged<CUstream, int, CUresult>)resolve(nameof(cuStreamBeginCapture));

    /// <summary>stream, graph: 0 if the capture was broken</summary>
    public readonly delegate* unmanaged<CUstream, CUgraph*, CUresult> cuStreamEndCapture = (delegate* unmanaged<CUstream, CUgraph*, CUresult>)resolve(nameof(cuStreamEndCapture));

    /// <summary>graph, nodes (null to be told how many), count: room in, number out</summary>
    public readonly delegate* unmanaged<CUgraph, CUgraphNode*, nuint*, CUresult> cuGraphGetNodes =
        (delegate* unmanaged<CUgraph, CUgraphNode*, nuint*, CUresult>)resolve(nameof(cuGraphGetNodes));

    /// <summary>node, type</summary>
    public readonly delegate* unmanaged<CUgraphNode, CUgraphNodeType*, CUresult> cuGraphNodeGetType =
        (delegate* unmanaged<CUgraphNode, CUgraphNodeType*, CUresult>)resolve(nameof(cuGraphNodeGetType));

    /// <summary>executable, graph, flags: 0</summary>
    public readonly delegate* unmanaged<CUgraphExec*, CUgraph, ulong, CUresult> cuGraphInstantiateWithFlags =
        (delegate* unmanaged<CUgraphExec*, CUgraph, ulong, CUresult>)resolve(nameof(cuGraphInstantiateWithFlags));

    /// <summary>executable, stream</summary>
    public readonly delegate* unmanaged<CUgraphExec, CUstream, CUresult> cuGraphLaunch = (delegate* unmanaged<CUgraphExec, CUstream, CUresult>)resolve(nameof(cuGraphLaunch));

    /// <summary>executable</summary>
    public readonly delegate* unmanaged<CUgraphExec, CUresult> cuGraphExecDestroy = (delegate* unmanaged<CUgraphExec, CUresult>)resolve(nameof(cuGraphExecDestroy));

    /// <summary>graph</summary>
    public readonly delegate* unmanaged<CUgraph, CUresult> cuGraphDestroy = (delegate* unmanaged<CUgraph, CUresult>)resolve(nameof(cuGraphDestroy));
}
