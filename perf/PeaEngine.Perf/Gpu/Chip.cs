namespace PeaEngine.Perf.Gpu;

/// <summary>
/// A GPU on paper. Peaks are the maker's (A100 and H100 data sheets and architecture papers, dense, at boost clock); shares of them are what others measured. perf/README.md names the sources.
/// </summary>
/// <param name="Name">As the maker calls it.</param>
/// <param name="Architecture">80 for compute capability 8.0.</param>
/// <param name="Multiprocessors">How many it has.</param>
/// <param name="Clock">Cycles a second at which the peak holds.</param>
/// <param name="TensorFlops">Multiplications and additions in 16 bits that a multiprocessor's tensor cores do in a cycle.</param>
/// <param name="MmaShare">The share of them that <c>mma.sync</c> reaches; the rest needs the architecture's own instructions.</param>
/// <param name="LibraryShare">The share that cuBLASLt reaches in large products.</param>
/// <param name="Bandwidth">Bytes a second of its memory.</param>
/// <param name="CopyShare">The share of them that a copy reaches.</param>
/// <param name="CacheBytes">Bytes that the second-level cache gives in a cycle.</param>
/// <param name="SharedBytes">Shared memory of a multiprocessor.</param>
/// <param name="LaunchSeconds">From the end of a kernel of a graph to the start of the next that waits for it.</param>
sealed record Chip(string Name, int Architecture, int Multiprocessors, double Clock, double TensorFlops, double MmaShare, double LibraryShare, double Bandwidth, double CopyShare, int CacheBytes, int SharedBytes,
    double LaunchSeconds)
{
    /// <summary>Limits that both architectures share: threads, blocks and registers of a multiprocessor (CUDA C++ Programming Guide, "Technical Specifications per Compute Capability").</summary>
    const int MostThreads = 2048, MostBlocks = 32, Registers = 65536;

    /// <summary>Registers are given to a warp in pieces of this, and shared memory to a block with so much for the system.</summary>
    const int RegisterPiece = 256, SystemShared = 1024, Warp = 32;

    /// <summary>Instructions that a multiprocessor's four schedulers begin in a cycle.</summary>
    public const int Schedulers = 4;

    public static readonly Chip A100 = new("A100 SXM 40 GB", 80, 108, 1.41e9, 2048, 0.97, 0.80, 1.555e12, 0.90, 5120, 164 << 10, 1e-6);

    public static readonly Chip H100 = new("H100 SXM", 90, 132, 1.83e9, 4096, 0.629, 0.73, 3.35e12, 0.90, 5120, 228 << 10, 1e-6);

    /// <summary>Those of the static report.</summary>
    public static IReadOnlyList<Chip> All { get; } = [A100, H100];

    /// <summary>The peak in 16 bits, in operations a second.</summary>
    public double Peak => Multiprocessors * Clock * TensorFlops;

    /// <summary>Blocks of a kernel that a multiprocessor holds at once; 0 if none fits.</summary>
    public int Occupancy(int threads, int registers, int sharedBytes)
    {
        var warps = (threads + Warp - 1) / Warp;
        var registersOfWarp = (Math.Max(registers, 1) * Warp + RegisterPiece - 1) / RegisterPiece * RegisterPiece;
        return Math.Min(Math.Min(MostBlocks, MostThreads / (warps * Warp)), Math.Min(Registers / (registersOfWarp * warps), SharedBytes / (sharedBytes + SystemShared)));
    }

    /// <summary>The share of a multiprocessor's threads that are there at once.</summary>
    public static double Share(int blocks, int threads) => (double)blocks * threads / MostThreads;
}
