namespace PeaEngine.VirtualGpu.Machine;

/// <summary>What a GPU of an architecture allows a launch (CUDA C++ Programming Guide, "Technical Specifications per Compute Capability").</summary>
/// <param name="Major">Compute capability, before the dot.</param>
/// <param name="Minor">Compute capability, after the dot.</param>
/// <param name="SharedPerBlock">Bytes of shared memory that a block may have when the kernel's attribute allows it.</param>
/// <param name="SharedPerMultiprocessor">Bytes of shared memory of a multiprocessor.</param>
/// <param name="ThreadsPerMultiprocessor">Threads that a multiprocessor holds.</param>
public sealed record GpuArchitecture(int Major, int Minor, int SharedPerBlock, int SharedPerMultiprocessor, int ThreadsPerMultiprocessor)
{
    /// <summary>Shared memory of a block whose kernel has not asked for more.</summary>
    public const int SharedWithoutAsking = 48 << 10;

    /// <summary>Threads of a block.</summary>
    public const int ThreadsPerBlock = 1024;

    /// <summary>32-bit registers of a block; a thread has at most what 256 threads of it have.</summary>
    public const int RegistersPerBlock = 65536;

    /// <summary>A100.</summary>
    public static GpuArchitecture Sm80 { get; } = new(8, 0, 163 << 10, 164 << 10, 2048);

    /// <summary>GeForce 30.</summary>
    public static GpuArchitecture Sm86 { get; } = new(8, 6, 99 << 10, 100 << 10, 1536);

    /// <summary>GeForce 40.</summary>
    public static GpuArchitecture Sm89 { get; } = new(8, 9, 99 << 10, 100 << 10, 1536);

    /// <summary>H100.</summary>
    public static GpuArchitecture Sm90 { get; } = new(9, 0, 227 << 10, 228 << 10, 2048);

    /// <summary>Major and minor as NVRTC writes them: 80.</summary>
    public int Number => 10 * Major + Minor;
}
