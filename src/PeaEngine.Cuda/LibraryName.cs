namespace PeaEngine.Cuda;

/// <summary>A library of NVIDIA's and what its files are called.</summary>
/// <param name="Title">What messages call it.</param>
/// <param name="Variable">The environment variable that names its file, or the folder of its file.</param>
/// <param name="Files">Names of files with their version of CUDA, 0 where the name does not tell, best first.</param>
sealed record LibraryName(string Title, string Variable, (int Major, string File)[] Files)
{
    static readonly int[] Majors = [13, 12, 11];

    /// <summary>The driver.</summary>
    public static readonly LibraryName Driver = new("CUDA driver", "PEA_CUDA_DRIVER", OperatingSystem.IsWindows() ? [(0, "nvcuda.dll")] : [(0, "libcuda.so.1"), (0, "libcuda.so")]);

    /// <summary>The compiler. From 11.2 on its files keep their names for all of a major version.</summary>
    public static readonly LibraryName Nvrtc = new("NVRTC", "PEA_NVRTC", OperatingSystem.IsWindows()
        ? [(13, "nvrtc64_130_0.dll"), (12, "nvrtc64_120_0.dll"), (11, "nvrtc64_112_0.dll")]
        : [(13, "libnvrtc.so.13"), (12, "libnvrtc.so.12"), (11, "libnvrtc.so.11.2")]);

    /// <summary>Products of matrices, which are computed without it too.</summary>
    public static readonly LibraryName CuBlasLt =
        new("cuBLASLt", "PEA_CUBLASLT", [.. Majors.Select(major => (major, OperatingSystem.IsWindows() ? $"cublasLt64_{major}.dll" : $"libcublasLt.so.{major}"))]);

    /// <summary>Sums over the devices of several processes, which meet without it too. NVIDIA has none for Windows.</summary>
    public static readonly LibraryName Nccl = new("NCCL", "PEA_NCCL", OperatingSystem.IsWindows() ? [] : [(0, "libnccl.so.2"), (0, "libnccl.so")]);
}
