using PeaEngine.Cuda;

namespace PeaEngine.Backends;

/// <summary>A tile of <c>gemm.cuh</c>: the outputs of a block, and what the block needs.</summary>
/// <param name="Name">As kernels call it; empty where an op has one kernel only.</param>
/// <param name="Rows">Rows of outputs.</param>
/// <param name="Columns">Columns of outputs.</param>
/// <param name="Threads">Threads of a block.</param>
/// <param name="SharedBytes">Its dynamic shared memory.</param>
/// <param name="OutputCost">What an output costs a multiprocessor beside the other tiles' outputs: small tiles read more of both operands for each, and have more instructions beside the products.</param>
readonly record struct ProductTile(string Name, int Rows, int Columns, int Threads, int SharedBytes, int OutputCost = 1)
{
    /// <summary>Eight warps of 64 × 64, three stages of 32 of the depth.</summary>
    public static readonly ProductTile Widest = new("128x256", 128, 256, 256, 3 * (128 + 256) * 64, 4);

    /// <summary>Eight warps of 64 × 32, four stages.</summary>
    public static readonly ProductTile Wide = new("128x128", 128, 128, 256, 4 * (128 + 128) * 64, 5);

    /// <summary>Four warps of 32 × 32, four stages.</summary>
    public static readonly ProductTile Small = new("64x64", 64, 64, 128, 4 * (64 + 64) * 64, 8);

    /// <summary>For depths that are no multiple of eight: elements are loaded one by one. Two stages.</summary>
    public static readonly ProductTile Any = new("any", 64, 64, 128, 2 * (64 + 64) * 64);

    /// <summary>The product in F32: no tensor cores, and no dynamic shared memory.</summary>
    public static readonly ProductTile Single = new("", 64, 64, 256, 0);

    /// <summary>
    /// The tile with which the multiprocessor that has most blocks is done first, the earliest of several. Blocks are whole: outputs outside of the result are computed, too, and all wait for the last.
    /// </summary>
    public static ProductTile Choose(DType dtype, int rows, int columns, bool vectors, int multiprocessors, ReadOnlySpan<ProductTile> tiles)
    {
        if (dtype == DType.F32) return Single;
        if (!vectors) return Any;
        var (best, least) = (tiles[0], long.MaxValue);
        foreach (var tile in tiles)
        {
            var blocks = (long)tile.GridRows(rows) * tile.GridColumns(columns);
            var cost = (blocks + multiprocessors - 1) / multiprocessors * tile.Rows * tile.Columns * tile.OutputCost;
            if (cost < least) (best, least) = (tile, cost);
        }
        return best;
    }

    /// <summary>How it is run over so many outputs, each of which may be computed in parts.</summary>
    public LaunchShape Shape(int rows, int columns, int parts = 1) => new(new Extents(GridColumns(columns), GridRows(rows), parts), Threads, SharedBytes);

    int GridRows(int rows) => (rows + Rows - 1) / Rows;

    int GridColumns(int columns) => (columns + Columns - 1) / Columns;
}
