using PeaEngine.Cuda;

namespace PeaEngine.Backends;

/// <summary>A product's depth in parts, whose sums are added in their order: so that a small product with a great depth is spread over the device. They follow from the shape alone.</summary>
/// <param name="Count">How many there are.</param>
/// <param name="Length">Of the depth, in each but the last: a multiple of <see cref="Step"/>.</param>
readonly record struct SumParts(int Count, int Length)
{
    /// <summary>A product's depth at a time (<c>gemm.cuh</c>).</summary>
    const int Step = 32;

    /// <summary>Outputs of the smallest tile, tiles that are enough for any device, and the depth that a part is worth.</summary>
    const int TileOutputs = 64, EnoughTiles = 256, LeastLength = 8 * Step;

    /// <summary>The parts of a product.</summary>
    public static SumParts Of(int rows, int columns, int depth)
    {
        var tiles = (long)Quotient(rows, TileOutputs) * Quotient(columns, TileOutputs);
        var count = (int)Math.Clamp(EnoughTiles / tiles, 1, Math.Max(1, depth / LeastLength));
        var length = Quotient(Quotient(depth, count), Step) * Step;
        return new(Quotient(depth, length), length);
    }

    static int Quotient(int count, int size) => (count + size - 1) / size;
}

public sealed partial class CudaBackend
{
    /// <summary>Rows of a chunk that sums over rows are taken in, at least, and chunks, at most. Neither follows from the device, so that the sums do not.</summary>
    const int LeastSumRows = 64, MostSumChunks = 128;

    /// <summary>Rows of a chunk, and how many chunks there are.</summary>
    static (int Rows, int Count) Chunks(int rows)
    {
        var chunk = Math.Max(LeastSumRows, Blocks(rows, MostSumChunks));
        return (chunk, Blocks(rows, chunk));
    }

    /// <summary>y += the parts, in their order; see <c>sum_parts.cu</c>.</summary>
    /// <param name="parts">[samples, count, n] F32</param>
    /// <param name="y">[samples, n]</param>
    /// <param name="count">How many parts there are.</param>
    /// <param name="samples">How many sums there are.</param>
    void AddParts(nint parts, Tensor y, int count, int samples = 1) =>
        Launch("sum_parts", new("sum_parts", Suffix(y.DType)), y, new(new Extents(Blocks(y.Elements / samples, Threads), samples), Threads), parts, y.Address, count, y.Elements / samples);
}
