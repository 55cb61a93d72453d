using System.Runtime.InteropServices;
using System.Text;
using PeaEngine.Cuda.Sys;

namespace PeaEngine.Cuda;

/// <summary>What NVRTC made.</summary>
/// <param name="Code">A cubin, or PTX with a null byte at its end.</param>
/// <param name="Log">Warnings, and what ptxas tells of registers and spills.</param>
public sealed record CompiledKernel(byte[] Code, string Log);

/// <summary>NVRTC: CUDA C++ to machine code. It needs no device.</summary>
public sealed unsafe class NvrtcCompiler
{
    /// <summary>Given with every program; the second tells of registers and spills in the log.</summary>
    static readonly string[] StandardOptions = ["--std=c++17", "--ptxas-options=-v"];

    readonly Nvrtc nvrtc;

    internal NvrtcCompiler(Nvrtc nvrtc)
    {
        this.nvrtc = nvrtc;
        int major, minor, count;
        Check(nvrtc.nvrtcVersion(&major, &minor), nameof(nvrtc.nvrtcVersion));
        Check(nvrtc.nvrtcGetNumSupportedArchs(&count), nameof(nvrtc.nvrtcGetNumSupportedArchs));
        var architectures = new int[count];
        fixed (int* pointer = architectures) Check(nvrtc.nvrtcGetSupportedArchs(pointer), nameof(nvrtc.nvrtcGetSupportedArchs));
        (Version, Architectures) = (new(major, minor), architectures);
    }

    /// <summary>Its version.</summary>
    public Version Version { get; }

    /// <summary>What it compiles for, ascending: 80 for sm_80.</summary>
    public IReadOnlyList<int> Architectures { get; }

    /// <summary>This machine's NVRTC, or null where it has none.</summary>
    public static NvrtcCompiler? Find() => CudaLibraries.Compile(new());

    /// <summary>Compiles a program.</summary>
    /// <param name="source">The program and its headers.</param>
    /// <param name="target">What for.</param>
    /// <exception cref="CudaException">It does not compile; the message has NVRTC's.</exception>
    public CompiledKernel Compile(KernelSource source, KernelTarget target)
    {
        var program = Create(source);
        try
        {
            string[] options = [.. Options(target), .. source.Options];
            nvrtcResult result;
            using (var arguments = new Utf8Array(options))
                result = nvrtc.nvrtcCompileProgram(program, options.Length, arguments.Pointers);
            var log = Log(program);
            if (result != nvrtcResult.NVRTC_SUCCESS) throw new CudaException(nameof(nvrtc.nvrtcCompileProgram), $"{Describe(result)}\n{log}", $"{source.Name}.cu");
            return new(target.IsPtx ? Ptx(program) : Cubin(program), log);
        }
        finally
        {
            nvrtc.nvrtcDestroyProgram(&program);
        }
    }

    /// <summary>The options for a target, without the program's own: they are part of a compiled kernel's identity.</summary>
    public static IReadOnlyList<string> Options(KernelTarget target) =>
        // PTX tells the source's lines. Machine code does not: the assembler of 11.8 overflows its stack over them where the target is sm_90.
        [$"--gpu-architecture={target}", .. StandardOptions, .. target.IsPtx ? ["--generate-line-info"] : Array.Empty<string>()];

    nint Create(KernelSource source)
    {
        nint program;
        using var text = new Utf8Array([source.Text, $"{source.Name}.cu"]);
        using var headers = new Utf8Array([.. source.Headers.Values]);
        using var names = new Utf8Array([.. source.Headers.Keys]);
        Check(nvrtc.nvrtcCreateProgram(&program, text.Pointers[0], text.Pointers[1], source.Headers.Count, headers.Pointers, names.Pointers), nameof(nvrtc.nvrtcCreateProgram));
        return program;
    }

    byte[] Cubin(nint program) => Output(program, nvrtc.nvrtcGetCUBINSize, nvrtc.nvrtcGetCUBIN, nameof(nvrtc.nvrtcGetCUBIN));

    byte[] Ptx(nint program) => Output(program, nvrtc.nvrtcGetPTXSize, nvrtc.nvrtcGetPTX, nameof(nvrtc.nvrtcGetPTX));

    string Log(nint program) => Encoding.UTF8.GetString(Output(program, nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog, nameof(nvrtc.nvrtcGetProgramLog))).TrimEnd('\0', '\n');

    /// <summary>What two functions give: a size, and so many bytes. The first is called as the second, with Size behind.</summary>
    byte[] Output(nint program, delegate* unmanaged<nint, nuint*, nvrtcResult> size, delegate* unmanaged<nint, byte*, nvrtcResult> get, string call)
    {
        nuint bytes;
        Check(size(program, &bytes), $"{call}Size");
        var output = new byte[checked((int)bytes)];
        fixed (byte* pointer = output) Check(get(program, pointer), call);
        return output;
    }

    void Check(nvrtcResult result, string call)
    {
        if (result != nvrtcResult.NVRTC_SUCCESS) throw new CudaException(call, Describe(result));
    }

    string Describe(nvrtcResult result) => Marshal.PtrToStringUTF8((nint)nvrtc.nvrtcGetErrorString(result))!;
}
