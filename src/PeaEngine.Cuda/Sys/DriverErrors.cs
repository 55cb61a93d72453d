using System.Runtime.InteropServices;

namespace PeaEngine.Cuda.Sys;

/// <summary>What the driver's numbers mean.</summary>
static unsafe class DriverErrors
{
    /// <summary>The error's name and the driver's text.</summary>
    public static string Describe(this Driver driver, CUresult result)
    {
        byte* name = null, text = null;
        return driver.cuGetErrorName(result, &name) == CUresult.CUDA_SUCCESS && driver.cuGetErrorString(result, &text) == CUresult.CUDA_SUCCESS
            ? $"{Marshal.PtrToStringUTF8((nint)name)} ({Marshal.PtrToStringUTF8((nint)text)})"
            : $"error {(int)result}";
    }

    /// <summary>Checks a call that needs no context.</summary>
    /// <exception cref="CudaException">It failed.</exception>
    public static void Check(this Driver driver, CUresult result, string call)
    {
        if (result != CUresult.CUDA_SUCCESS) throw new CudaException(call, driver.Describe(result));
    }

    /// <summary>Whether a context that gave this error gives it for ever: <c>cuda.h</c> says so of each.</summary>
    public static bool IsSticky(this CUresult result) => result is CUresult.CUDA_ERROR_DEINITIALIZED or CUresult.CUDA_ERROR_ECC_UNCORRECTABLE or CUresult.CUDA_ERROR_NVLINK_UNCORRECTABLE
        or CUresult.CUDA_ERROR_ILLEGAL_ADDRESS or CUresult.CUDA_ERROR_LAUNCH_TIMEOUT or CUresult.CUDA_ERROR_CONTEXT_IS_DESTROYED or CUresult.CUDA_ERROR_ASSERT
        or CUresult.CUDA_ERROR_HARDWARE_STACK_ERROR or CUresult.CUDA_ERROR_ILLEGAL_INSTRUCTION or CUresult.CUDA_ERROR_MISALIGNED_ADDRESS
        or CUresult.CUDA_ERROR_INVALID_ADDRESS_SPACE or CUresult.CUDA_ERROR_INVALID_PC or CUresult.CUDA_ERROR_LAUNCH_FAILED;
}
