using PeaEngine.Cuda;

namespace PeaEngine.Perf.Gpu;

/// <summary>A kernel that the engine gives to the device, and the op that it is part of.</summary>
/// <param name="Entry">The kernel's name, or <see cref="Library"/>.</param>
/// <param name="Shape">Blocks, threads and dynamic shared memory; a library's are its own secret.</param>
/// <param name="Call">The op's call; operations and bytes are this launch's part of them.</param>
sealed record KernelLaunch(string Entry, LaunchShape Shape, OpCall Call)
{
    /// <summary>What products by cuBLASLt are called.</summary>
    public const string Library = "cublasLt";

    /// <summary>What copies and fills by the driver are called.</summary>
    public const string Copy = "memcpy", Fill = "memset";

    /// <summary>What stands for an op that has no kernel.</summary>
    public const string None = "(no kernel)";

    /// <summary>Whether it is a kernel of ours.</summary>
    public bool IsOurs => Entry is not (Library or Copy or Fill or None);

    /// <summary>Blocks of the grid.</summary>
    public long Blocks => (long)Shape.Grid.X * Shape.Grid.Y * Shape.Grid.Z;

    /// <summary>Threads of a block.</summary>
    public int Threads => Shape.Block.X * Shape.Block.Y * Shape.Block.Z;
}
