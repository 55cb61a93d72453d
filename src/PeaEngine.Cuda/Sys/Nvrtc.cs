namespace PeaEngine.Cuda.Sys;

/// <summary>The functions of NVRTC that the engine calls, 11.2 to 13; none of them needs a device. The resolver gives an export's address or throws.</summary>
sealed unsafe class Nvrtc(Func<string, nint> resolve)
{
    /// <summary>result; never null, never freed</summary>
    public readonly delegate* unmanaged<nvrtcResult, byte*> nvrtcGetErrorString = (delegate* unmanaged<nvrtcResult, byte*>)resolve(nameof(nvrtcGetErrorString));

    /// <summary>major, minor</summary>
    public readonly delegate* unmanaged<int*, int*, nvrtcResult> nvrtcVersion = (delegate* unmanaged<int*, int*, nvrtcResult>)resolve(nameof(nvrtcVersion));

    /// <summary>count</summary>
    public readonly delegate* unmanaged<int*, nvrtcResult> nvrtcGetNumSupportedArchs = (delegate* unmanaged<int*, nvrtcResult>)resolve(nameof(nvrtcGetNumSupportedArchs));

    /// <summary>architectures, ascending: 80 for sm_80</summary>
    public readonly delegate* unmanaged<int*, nvrtcResult> nvrtcGetSupportedArchs = (delegate* unmanaged<int*, nvrtcResult>)resolve(nameof(nvrtcGetSupportedArchs));

    /// <summary>program, source, its name in messages, number of headers, their texts, their names as included</summary>
    public readonly delegate* unmanaged<nvrtcProgram*, byte*, byte*, int, byte**, byte**, nvrtcResult> nvrtcCreateProgram =
        (delegate* unmanaged<nvrtcProgram*, byte*, byte*, int, byte**, byte**, nvrtcResult>)resolve(nameof(nvrtcCreateProgram));

    /// <summary>program; set to 0</summary>
    public readonly delegate* unmanaged<nvrtcProgram*, nvrtcResult> nvrtcDestroyProgram = (delegate* unmanaged<nvrtcProgram*, nvrtcResult>)resolve(nameof(nvrtcDestroyProgram));

    /// <summary>program, number of options, options</summary>
    public readonly delegate* unmanaged<nvrtcProgram, int, byte**, nvrtcResult> nvrtcCompileProgram =
        (delegate* unmanaged<nvrtcProgram, int, byte**, nvrtcResult>)resolve(nameof(nvrtcCompileProgram));

    /// <summary>program, bytes; 0 where the architecture was a virtual one</summary>
    public readonly delegate* unmanaged<nvrtcProgram, nuint*, nvrtcResult> nvrtcGetCUBINSize = (delegate* unmanaged<nvrtcProgram, nuint*, nvrtcResult>)resolve(nameof(nvrtcGetCUBINSize));

    /// <summary>program, cubin</summary>
    public readonly delegate* unmanaged<nvrtcProgram, byte*, nvrtcResult> nvrtcGetCUBIN = (delegate* unmanaged<nvrtcProgram, byte*, nvrtcResult>)resolve(nameof(nvrtcGetCUBIN));

    /// <summary>program, bytes with the null at the end</summary>
    public readonly delegate* unmanaged<nvrtcProgram, nuint*, nvrtcResult> nvrtcGetPTXSize = (delegate* unmanaged<nvrtcProgram, nuint*, nvrtcResult>)resolve(nameof(nvrtcGetPTXSize));

    /// <summary>program, PTX</summary>
    public readonly delegate* unmanaged<nvrtcProgram, byte*, nvrtcResult> nvrtcGetPTX = (delegate* unmanaged<nvrtcProgram, byte*, nvrtcResult>)resolve(nameof(nvrtcGetPTX));

    /// <summary>program, bytes with the null at the end</summary>
    public readonly delegate* unmanaged<nvrtcProgram, nuint*, nvrtcResult> nvrtcGetProgramLogSize =
        (delegate* unmanaged<nvrtcProgram, nuint*, nvrtcResult>)resolve(nameof(nvrtcGetProgramLogSize));

    /// <summary>program, log</summary>
    public readonly delegate* unmanaged<nvrtcProgram, byte*, nvrtcResult> nvrtcGetProgramLog = (delegate* unmanaged<nvrtcProgram, byte*, nvrtcResult>)resolve(nameof(nvrtcGetProgramLog));
}

/// <summary>What a call to NVRTC ended with: the numbers that the engine tells apart.</summary>
enum nvrtcResult
{
    NVRTC_SUCCESS = 0,
    NVRTC_ERROR_COMPILATION = 6,
}
