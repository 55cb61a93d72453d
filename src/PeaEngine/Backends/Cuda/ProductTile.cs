using PeaEngine.Cuda;

namespace PeaEngine.Backends;

/// <summary>A tile of <c>gemm.cuh</c>: the outputs of a block, and what the block needs.</summary>
/// <param name="Name">As kernels call it; empty where an op has one kernel only.</param>
/// <param name="Rows">Rows of outputs.</param>
/// <param name="Columns">Columns of outputs.</param>
/// <param name="Threads">Threads of a block.</param>
/// <param name="SharedBytes">Its dynamic shared memory.</param>
readonly record struct ProductTile(string Name, int Rows, int Columns, int Threads, int SharedBytes)
{
    /// <summary>Eight warps of 64 × 64, three stages of 32 of the depth.</summary>
    public static readonly ProductTile Widest = new("128x256", 128, 256, 256, 3 * (128 + 256) * 64);

    /// <summary>Eight warps of 64 × 32, four stages.</summary>
    public static readonly ProductTile Wide = new("128x128", 128, 128, 256, 4 * (128 + 128) * 64);

    /// <summary>Four warps of 32 × 32, four stages.</summary>
    public static readonly ProductTile Small = new("64x64", 64, 64, 128, 4 * (64 + 64) * 64);

    /// <summary>For depths that are no multiple of eight: elements are loaded one by one. Two stages.</summary>
    public static readonly ProductTile Any = new("any", 64, 64, 128, 2 * (64 + 64) * 64);

    /// <summary>The product in F32: no tensor cores, and no dynamic shared memory.</summary>
    public static readonly ProductTile Single = new("", 64, 64, 256, 0);

    /// <summary>The widest tile that still gives every multiprocessor a block; the smallest where none does.</summary>
    public static ProductTile Choose(DType dtype, int rows, int columns, bool vectors, int multiprocessors, ReadOnlySpan<ProductTile> tiles)
    {
        if (dtype == DType.F32) return Single;
        if (!vectors) return Any;
        foreach (var tile in tiles)
            if ((long)tile.GridRows(rows) * tile.GridColumns(columns) >= multiprocessors) return tile;
        return tiles[^1];
    }

    /// <summary>How it is run over so many outputs, each of which may be computed in parts.</summary>
    public LaunchShape Shape(int rows, int columns, int parts = 1) => new(new Extents(GridColumns(columns), GridRows(rows), parts), Threads, SharedBytes);

    int GridRows(int rows) => (rows + Rows - 1) / Rows;

    int GridColumns(int columns) => (columns + Columns - 1) / Columns;
}
