using System.Runtime.InteropServices;
using System.Text;

namespace PeaEngine.Cuda.Sys;

/// <summary>The resolver of the real driver.</summary>
static unsafe class DriverLibrary
{
    /// <summary>The signatures that <see cref="Driver"/> means are those of this version, whatever the driver's own is.</summary>
    public const int Version = 11080;

    /// <summary>The table of a driver's library.</summary>
    /// <param name="library">What <see cref="NativeLibrary"/> gave.</param>
    /// <exception cref="CudaException">The driver is older than CUDA 11.8.</exception>
    public static Driver Open(nint library)
    {
        if (!NativeLibrary.TryGetExport(library, "cuGetProcAddress", out var export))
            throw new CudaException("the driver has no cuGetProcAddress, expected a driver of CUDA 11.8 or newer");
        // The export of this name keeps the four arguments of 11.3; later versions are exported with a suffix.
        var cuGetProcAddress = (delegate* unmanaged<byte*, void**, int, ulong, CUresult>)export;
        return new(name =>
        {
            void* address = null;
            fixed (byte* text = Encoding.UTF8.GetBytes(name + '\0'))
                if (cuGetProcAddress(text, &address, Version, 0) is var result && (result != CUresult.CUDA_SUCCESS || address == null))
                    throw new CudaException($"the driver has no {name} ({result}), expected a driver of CUDA 11.8 or newer");
            return (nint)address;
        });
    }
}
