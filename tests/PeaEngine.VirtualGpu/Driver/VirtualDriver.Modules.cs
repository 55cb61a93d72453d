using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using PeaEngine.Cuda.Sys;
using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Ptx;
using Table = PeaEngine.Cuda.Sys.Driver;

namespace PeaEngine.VirtualGpu.Driver;

/// <summary>Modules of PTX, and their kernels.</summary>
public static unsafe partial class VirtualDriver
{
    /// <summary>A module, and the handles of those of its kernels that were asked for, which end with it.</summary>
    sealed class Module(ModuleImage image)
    {
        public ModuleImage Image { get; } = image;
        public ConcurrentDictionary<string, nint> Functions { get; } = [];
    }

    /// <summary>A kernel of a module, and the dynamic shared memory that it was allowed.</summary>
    sealed class Function(ModuleImage module, string name)
    {
        public ModuleImage Module { get; } = module;
        public string Name { get; } = name;
        public int DynamicShared { get; set; }
    }

    static nint? OfModules(string name) => name switch
    {
        nameof(Table.cuModuleLoadDataEx) => (nint)(delegate* unmanaged<CUmodule*, void*, uint, CUjit_option*, void**, CUresult>)&cuModuleLoadDataEx,
        nameof(Table.cuModuleUnload) => (nint)(delegate* unmanaged<CUmodule, CUresult>)&cuModuleUnload,
        nameof(Table.cuModuleGetFunction) => (nint)(delegate* unmanaged<CUfunction*, CUmodule, byte*, CUresult>)&cuModuleGetFunction,
        nameof(Table.cuFuncGetAttribute) => (nint)(delegate* unmanaged<int*, CUfunction_attribute, CUfunction, CUresult>)&cuFuncGetAttribute,
        nameof(Table.cuFuncSetAttribute) => (nint)(delegate* unmanaged<CUfunction, CUfunction_attribute, int, CUresult>)&cuFuncSetAttribute,
        nameof(Table.cuLaunchKernel) => (nint)(delegate* unmanaged<CUfunction, uint, uint, uint, uint, uint, uint, uint, CUstream, void**, void**, CUresult>)&cuLaunchKernel,
        _ => null,
    };

    [UnmanagedCallersOnly]
    static CUresult cuModuleLoadDataEx(CUmodule* module, void* image, uint count, CUjit_option* options, void** values) => InContext(context =>
    {
        if (*(byte*)image == 0x7F) throw new CallException(CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU, "machine code, expected PTX");
        try
        {
            context.Modules.Add(*module = Registry.Add(new Module(new(Marshal.PtrToStringUTF8((nint)image)!, context.Memory, context.Architecture))));
        }
        catch (PtxException error)
        {
            Log(error.Message, count, options, values);
            throw;
        }
    });

    static void Log(string message, uint count, CUjit_option* options, void** values)
    {
        int buffer = -1, size = -1;
        for (var k = 0; k < count; k++)
            if (options[k] == CUjit_option.CU_JIT_ERROR_LOG_BUFFER) buffer = k;
            else if (options[k] == CUjit_option.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES) size = k;
        if (buffer < 0 || size < 0) return;
        var text = Encoding.UTF8.GetBytes(message);
        var length = (int)Math.Min(text.Length, (long)values[size]);
        text.AsSpan(0, length).CopyTo(new((byte*)values[buffer], length));
        values[size] = (void*)length;
    }

    [UnmanagedCallersOnly]
    static CUresult cuModuleUnload(CUmodule module) => InContext(context =>
    {
        context.Synchronize();
        Unload(module);
        context.Modules.Remove(module);
    });

    static void Unload(nint module)
    {
        var removed = Registry.Remove<Module>(module);
        foreach (var function in removed.Functions.Values) Registry.Remove<Function>(function);
        removed.Image.Dispose();
    }

    [UnmanagedCallersOnly]
    static CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, byte* name) => InContext(_ =>
    {
        var (owner, kernel) = (Registry.Get<Module>(module), Marshal.PtrToStringUTF8((nint)name)!);
        var image = owner.Image;
        if (!image.Kernels.Contains(kernel)) throw new CallException(CUresult.CUDA_ERROR_NOT_FOUND, $"no kernel {kernel}, the module has {string.Join(", ", image.Kernels.Order())}");
        *function = owner.Functions.GetOrAdd(kernel, static (kernel, image) => Registry.Add(new Function(image, kernel)), image);
    });

    [UnmanagedCallersOnly]
    static CUresult cuFuncGetAttribute(int* value, CUfunction_attribute attribute, CUfunction function) => InContext(_ =>
    {
        var kernel = Registry.Get<Function>(function);
        var (shared, registers, local, threads) = kernel.Module.Needs(kernel.Name);
        *value = attribute switch
        {
            CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK => threads,
            CUfunction_attribute.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES => shared,
            CUfunction_attribute.CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES => local,
            CUfunction_attribute.CU_FUNC_ATTRIBUTE_NUM_REGS => registers,
            CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES => Math.Max(kernel.DynamicShared, GpuArchitecture.SharedWithoutAsking - shared),
            _ => throw new CallException(CUresult.CUDA_ERROR_INVALID_VALUE, $"attribute {attribute}"),
        };
    });

    [UnmanagedCallersOnly]
    static CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute, int value) => InContext(context =>
    {
        var kernel = Registry.Get<Function>(function);
        if (attribute != CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES) throw new CallException(CUresult.CUDA_ERROR_INVALID_VALUE, $"attribute {attribute}");
        var most = context.Architecture.SharedPerBlock - kernel.Module.Needs(kernel.Name).SharedBytes;
        if (value < 0 || value > most) throw new CallException(CUresult.CUDA_ERROR_INVALID_VALUE, $"{kernel.Name}: {value} bytes of dynamic shared memory, expected at most {most} on sm_{context.Architecture.Number}");
        kernel.DynamicShared = value;
    });

    /// <summary>Parameters are read now, the rest is done in the stream's order.</summary>
    [UnmanagedCallersOnly]
    static CUresult cuLaunchKernel(CUfunction function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ, uint shared, CUstream stream, void** parameters, void** extra) => InContext(context =>
    {
        var kernel = Registry.Get<Function>(function);
        if (extra != null) throw new CallException(CUresult.CUDA_ERROR_INVALID_VALUE, "extra arguments, expected kernelParams");
        var layout = kernel.Module.Parameters(kernel.Name);
        var bytes = new byte[layout.Count == 0 ? 0 : layout[^1].Offset + layout[^1].Bytes];
        for (var k = 0; k < layout.Count; k++) new ReadOnlySpan<byte>(parameters[k], layout[k].Bytes).CopyTo(bytes.AsSpan(layout[k].Offset));
        var (grid, block) = (new Extent((int)gridX, (int)gridY, (int)gridZ), new Extent((int)blockX, (int)blockY, (int)blockZ));
        var (dynamicShared, allowed) = ((int)shared, kernel.DynamicShared);
        kernel.Module.Check(kernel.Name, grid, block, dynamicShared, allowed);
        Registry.Get<VirtualStream>(stream).Add(CUgraphNodeType.CU_GRAPH_NODE_TYPE_KERNEL,
            () =>
            {
                context.Launching?.Invoke(new(kernel.Module, kernel.Name, grid, block, dynamicShared, bytes));
                context.Add(new LaunchRecord(kernel.Name, grid, block, dynamicShared, kernel.Module.Launch(kernel.Name, grid, block, dynamicShared, bytes, allowed, context.NextOrder())));
            });
    });
}
