using System.Runtime.InteropServices;
using System.Text;
using PeaEngine.Cuda.Sys;

namespace PeaEngine.Cuda;

/// <summary>Machine code or PTX on the device.</summary>
public sealed unsafe class CudaModule : CudaResource
{
    const int LogBytes = 8192;

    readonly CUmodule handle;
    readonly string name;

    /// <summary>Loads code.</summary>
    /// <param name="context">Where.</param>
    /// <param name="code">A cubin, or PTX with a null byte at its end.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="CudaException">The driver does not take it.</exception>
    public CudaModule(CudaContext context, ReadOnlySpan<byte> code, string name) : base(context)
    {
        this.name = name;
        var driver = context.Driver;
        var log = stackalloc byte[LogBytes];
        log[0] = 0;
        var options = stackalloc CUjit_option[] { CUjit_option.CU_JIT_ERROR_LOG_BUFFER, CUjit_option.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES };
        var values = stackalloc void*[] { log, (void*)LogBytes };
        CUmodule module;
        CUresult result;
        context.Bind();
        context.Begin(name);
        fixed (byte* image = code) result = driver.cuModuleLoadDataEx(&module, image, 2, options, values);
        // The driver leaves the log's length in the place of its size.
        var text = Encoding.UTF8.GetString(log, Math.Clamp((int)values[1], 0, LogBytes)).TrimEnd('\0', '\n');
        context.Check(result, nameof(driver.cuModuleLoadDataEx), text.Length > 0 ? text : null);
        handle = module;
        Own();
    }

    /// <summary>A kernel of it.</summary>
    /// <exception cref="CudaException">It has none of this name.</exception>
    public CudaKernel Kernel(string entry)
    {
        var driver = Context.Driver;
        CUfunction function;
        Context.Bind();
        Context.Begin(name);
        var text = Marshal.StringToCoTaskMemUTF8(entry);
        try
        {
            Context.Check(driver.cuModuleGetFunction(&function, handle, (byte*)text), nameof(driver.cuModuleGetFunction), $"no kernel {entry}");
        }
        finally
        {
            Marshal.FreeCoTaskMem(text);
        }
        return new(Context, function, entry);
    }

    private protected override void Destroy() => Context.Driver.cuModuleUnload(handle);
}
