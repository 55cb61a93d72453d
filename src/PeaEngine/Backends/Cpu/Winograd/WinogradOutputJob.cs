using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

/// <summary>
/// Multiplies a block of transformed inputs with a panel of output channels, whose weights it transforms first, a block of depth at
/// a time, and transforms the products back.
/// </summary>
readonly unsafe struct WinogradOutputJob<TColumns, G, S, V>(ConvShape shape, WinogradPlan plan, TColumns weights, GemmEpilogue epilogue, float* inputs, int firstTile, int tiles,
    CpuWorkspace[] workspaces) : IParallelJob where TColumns : struct, IGemmColumns where G : struct, IGemmKernel where S : struct, ISimd<V> where V : unmanaged
{
    const int Positions = WinogradTransform.Positions, Taps = 9;

    public void Run(int index, int worker)
    {
        int panel = index / plan.Groups, group = index - panel * plan.Groups, slivers = WinogradPlan.Slivers(tiles, G.Rows);
        int first = (int)((long)slivers * group / plan.Groups), last = (int)((long)slivers * (group + 1) / plan.Groups);
        int column = panel * G.Columns, columns = Math.Min(G.Columns, shape.OutChannels - column), tile = G.Rows * G.Columns;
        nint panelSize = (nint)plan.Depth * G.Columns, rowsSize = (nint)G.Rows * plan.InputStride;
        var transformed = (float*)workspaces[worker].Get((Positions * panelSize + Taps * panelSize + (plan.DepthBlocks == 1 ? 1 : last - first) * Positions * tile) * sizeof(float));
        float* packed = transformed + Positions * panelSize, sums = packed + Taps * panelSize;
        for (var block = 0; block < plan.DepthBlocks; block++)
        {
            int channel = block * plan.Depth, depth = Math.Min(plan.Depth, shape.InChannels - channel);
            TransformWeights(column, columns, channel, depth, packed, transformed);
            var isLast = block == plan.DepthBlocks - 1;
            for (var sliver = first; sliver < last; sliver++)
            {
                var count = Math.Min(G.Rows, tiles - sliver * G.Rows);
                var products = plan.DepthBlocks == 1 ? sums : sums + (nint)(sliver - first) * Positions * tile;
                var a = inputs + ((nint)block * slivers + sliver) * plan.SliverSize(G.Rows);
                for (var position = 0; position < Positions; position++, a += rowsSize)
                {
                    if (isLast && position < count) FetchOutputs(firstTile + sliver * G.Rows + position, column, columns);
                    G.Multiply(G.TileRows(count), a, plan.InputStride, transformed + position * panelSize, depth, products + position * tile, G.Columns, block > 0, a + rowsSize);
                }
                if (isLast) Finish(firstTile + sliver * G.Rows, count, column, columns, products);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void TransformWeights(int column, int columns, int channel, int depth, float* packed, float* transformed)
    {
        nint panelSize = (nint)plan.Depth * G.Columns;
        for (var tap = 0; tap < Taps; tap++)
            weights.Pack<G, S, V>(column, columns, tap * shape.InChannels + channel, depth, packed + tap * panelSize);
        for (nint i = 0; i < (nint)depth * G.Columns; i += S.Width)
            WinogradTransform.Weights<S, V>(packed + i, panelSize, transformed + i, panelSize);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Finish(int tile, int count, int column, int columns, float* products)
    {
        var values = stackalloc V[WinogradTransform.Tile * WinogradTransform.Tile];
        for (var i = 0; i < count; i++)
        {
            var pixel = FindPixel(tile + i, out var height, out var width);
            for (var c = 0; c < columns; c += S.Width)
            {
                WinogradTransform.Output<S, V>(products + i * G.Columns + c, G.Rows * G.Columns, values);
                for (var y = 0; y < height; y++)
                    for (var x = 0; x < width; x++)
                        epilogue.Put<S, V>(pixel + y * shape.OutWidth + x, column + c, values[y * WinogradTransform.Tile + x], Math.Min(S.Width, columns - c));
            }
        }
    }

    void FetchOutputs(int tile, int column, int columns)
    {
        var pixel = FindPixel(tile, out var height, out var width);
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++) epilogue.Fetch(pixel + y * shape.OutWidth + x, column, columns);
    }

    int FindPixel(int tile, out int height, out int width)
    {
        const int Tile = WinogradTransform.Tile;
        int image = tile / plan.TilesPerImage, place = tile - image * plan.TilesPerImage, line = place / plan.TilesAcross;
        int oy = line * Tile, ox = (place - line * plan.TilesAcross) * Tile;
        (height, width) = (Math.Min(Tile, shape.OutHeight - oy), Math.Min(Tile, shape.OutWidth - ox));
        return (image * shape.OutHeight + oy) * shape.OutWidth + ox;
    }
}
