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

    byte[] Cubin(nint program)
    {
        nuint size;
        Check(nvrtc.nvrtcGetCUBINSize(program, &size), nameof(nvrtc.nvrtcGetCUBINSize));
        var code = new byte[checked((int)size)];
        fixed (byte* pointer = code) Check(nvrtc.nvrtcGetCUBIN(program, pointer), nameof(nvrtc.nvrtcGetCUBIN));
        return code;
    }

    byte[] Ptx(nint program)
    {
        nuint size;
        Check(nvrtc.nvrtcGetPTXSize(program, &size), nameof(nvrtc.nvrtcGetPTXSize));
        var code = new byte[checked((int)size)];
        fixed (byte* pointer = code) Check(nvrtc.nvrtcGetPTX(program, pointer), nameof(nvrtc.nvrtcGetPTX));
        return code;
    }

    string Log(nint program)
    {
        nuint size;
        Check(nvrtc.nvrtcGetProgramLogSize(program, &size), nameof(nvrtc.nvrtcGetProgramLogSize));
        var text = new byte[checked((int)size)];
        fixed (byte* pointer = text) Check(nvrtc.nvrtcGetProgramLog(program, pointer), nameof(nvrtc.nvrtcGetProgramLog));
        return Encoding.UTF8.GetString(text).TrimEnd('\0', '\n');
    }

    void Check(nvrtcResult result, string call)
    {
        if (result != nvrtcResult.NVRTC_SUCCESS) throw new CudaException(call, Describe(result));
    }

    string Describe(nvrtcResult result) => Marshal.PtrToStringUTF8((nint)nvrtc.nvrtcGetErrorString(result))!;
}
