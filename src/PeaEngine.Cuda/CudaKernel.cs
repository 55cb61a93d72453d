using System.Runtime.CompilerServices;
using PeaEngine.Cuda.Sys;

namespace PeaEngine.Cuda;

/// <summary>A kernel on the device; it lives as long as its module.</summary>
public sealed unsafe class CudaKernel
{
    /// <summary>Dynamic shared memory that every kernel may have without asking.</summary>
    const int GrantedSharedBytes = 48 << 10;

    readonly CudaContext context;
    readonly CUfunction handle;

    int sharedBytes;

    internal CudaKernel(CudaContext context, CUfunction handle, string name)
    {
        (this.context, this.handle, Name) = (context, handle, name);
        StaticSharedBytes = Attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES);
        Registers = Attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_NUM_REGS);
        LocalBytes = Attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES);
        MostThreads = Attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
        sharedBytes = GrantedSharedBytes - StaticSharedBytes;
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Shared memory that it has anyway.</summary>
    public int StaticSharedBytes { get; }

    /// <summary>Registers of a thread.</summary>
    public int Registers { get; }

    /// <summary>Memory of a thread that is not in registers: spills, and arrays with computed indices.</summary>
    public int LocalBytes { get; }

    /// <summary>The most threads that a block can have.</summary>
    public int MostThreads { get; }

    /// <summary>Runs it in a stream's order.</summary>
    /// <param name="stream">Where.</param>
    /// <param name="shape">Blocks, threads and shared memory.</param>
    /// <param name="arguments">As many as it has parameters, each of its parameter's type: addresses, <c>int</c>, <c>long</c>, <c>float</c>.</param>
    /// <exception cref="CudaException">It cannot be run so.</exception>
    public void Launch(CudaStream stream, LaunchShape shape, params ReadOnlySpan<KernelArgument> arguments)
    {
        var driver = context.Driver;
        context.Bind();
        if (shape.SharedBytes > sharedBytes) AllowShared(shape.SharedBytes);
        var pointers = stackalloc void*[Math.Max(arguments.Length, 1)];
        fixed (KernelArgument* values = arguments)
        {
            for (var i = 0; i < arguments.Length; i++) pointers[i] = values + i;
            var result = driver.cuLaunchKernel(handle, (uint)shape.Grid.X, (uint)shape.Grid.Y, (uint)shape.Grid.Z, (uint)shape.Block.X, (uint)shape.Block.Y, (uint)shape.Block.Z,
                (uint)shape.SharedBytes, stream.Handle, pointers, null);
            if (result != CUresult.CUDA_SUCCESS) context.Check(result, nameof(driver.cuLaunchKernel), $"{Name}, {shape}");
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    void AllowShared(int bytes)
    {
        var driver = context.Driver;
        if (bytes + StaticSharedBytes > context.Device.SharedBytes)
            throw new CudaException($"{Name}: {bytes + StaticSharedBytes} bytes of shared memory a block, {context.Device.Name} has {context.Device.SharedBytes}");
        context.Check(driver.cuFuncSetAttribute(handle, CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes), nameof(driver.cuFuncSetAttribute), Name);
        sharedBytes = bytes;
    }

    int Attribute(CUfunction_attribute attribute)
    {
        int value;
        context.Check(context.Driver.cuFuncGetAttribute(&value, attribute, handle), nameof(Driver.cuFuncGetAttribute), Name);
        return value;
    }
}
