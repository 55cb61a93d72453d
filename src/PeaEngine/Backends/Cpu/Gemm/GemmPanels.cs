namespace PeaEngine.Backends;

/// <summary>Packs weights [N, K], as they are stored, into panels of singles, [depth, columns].</summary>
static unsafe class GemmPanels
{
    const int AheadBytes = 256;

    /// <summary>Packs one panel; columns that the weights do not have become zeros.</summary>
    /// <param name="weights">[N, K]</param>
    /// <param name="row">The weights' row that is the panel's first column.</param>
    /// <param name="columns">Columns that the weights have.</param>
    /// <param name="k">The first of the depth.</param>
    /// <param name="depth">How much of it.</param>
    /// <param name="panel">[depth, G.Columns]</param>
    public static void Pack<G>(GemmWeights weights, int row, int columns, int k, int depth, float* panel) where G : struct, IGemmKernel
    {
        if (columns < G.Columns) new Span<float>(panel, depth * G.Columns).Clear();
        var step = G.TransposeSize * (weights.DType == DType.F32 ? 1 : 2);
        int whole = columns / G.TransposeSize * G.TransposeSize, turned = depth / step * step;
        var bytes = weights.RowBytes;
        for (var i = 0; i < turned; i += step)
            for (var column = 0; column < whole; column += G.TransposeSize)
            {
                var from = weights.At(row + column, k + i);
                // Each row is a stream of its own, too short for the processor to foresee.
                for (var r = 0; r < G.TransposeSize; r++) Prefetch.Fetch((float*)(from + r * bytes + AheadBytes));
                var to = panel + (nint)i * G.Columns + column;
                if (weights.DType == DType.F32) G.Transpose(from, bytes, (uint*)to, G.Columns);
                else if (weights.DType == DType.F16) G.TransposeF16(from, bytes, to, G.Columns);
                else G.TransposeBF16(from, bytes, to, G.Columns);
            }
        for (var column = 0; column < columns; column++)
            for (var i = column < whole ? turned : 0; i < depth; i++)
                panel[(nint)i * G.Columns + column] = weights.Single(row + column, k + i);
    }
}
