using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

/// <summary>
/// Multiplies a block of transformed inputs with a panel of output channels, whose weights it transforms first, a block of depth at
/// a time, and transforms the products back.
/// </summary>
readonly unsafe struct WinogradOutputJob<G, S, V>(ConvShape shape, WinogradPlan plan, GemmWeights weights, GemmEpilogue epilogue, float* inputs, int firstTile, int tiles,
    CpuWorkspace[] workspaces) : IParallelJob where G : struct, IGemmKernel where S : struct, ISimd<V> where V : unmanaged
{
    const int Positions = WinogradTransform.Positions, Taps = 9;

    public void Run(int index, int worker)
    {
        int panel = index / plan.Groups, group = index - panel * plan.Groups, slivers = (tiles + G.Rows - 1) / G.Rows;
        int first = (int)((long)slivers * group / plan.Groups), last = (int)((long)slivers * (group + 1) / plan.Groups);
        int column = panel * G.Columns, columns = Math.Min(G.Columns, shape.OutChannels - column), tile = G.Rows * G.Columns;
        nint panelSize = (nint)plan.Depth * G.Columns, sliverSize = (nint)Positions * G.Rows * plan.InputStride;
        var transformed = (float*)workspaces[worker].Get((Positions * panelSize + Taps * panelSize + (plan.DepthBlocks == 1 ? 1 : last - first) * Positions * tile) * sizeof(float));
        float* packed = transformed + Positions * panelSize, sums = packed + Taps * panelSize;
        for (var block = 0; block < plan.DepthBlocks; block++)
        {
            int channel = block * plan.Depth, depth = Math.Min(plan.Depth, shape.InChannels - channel);
            TransformWeights(column, columns, channel, depth, packed, transformed);
            for (var sliver = first; sliver < last; sliver++)
            {
                var count = Math.Min(G.Rows, tiles - sliver * G.Rows);
                var products = plan.DepthBlocks == 1 ? sums : sums + (nint)(sliver - first) * Positions * tile;
                for (var position = 0; position < Positions; position++)
                    G.Multiply(G.TileRows(count), inputs + sliver * sliverSize + (nint)position * G.Rows * plan.InputStride + channel, plan.InputStride,
                        transformed + position * panelSize, depth, products + position * tile, G.Columns, block > 0);
                if (block == plan.DepthBlocks - 1) Finish(sliver * G.Rows, count, column, columns, products);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void TransformWeights(int column, int columns, int channel, int depth, float* packed, float* transformed)
    {
        nint panelSize = (nint)plan.Depth * G.Columns;
        for (var tap = 0; tap < Taps; tap++)
            GemmPanels.Pack<G>(weights, column, columns, tap * shape.InChannels + channel, depth, packed + tap * panelSize);
        for (nint i = 0; i < (nint)depth * G.Columns; i += S.Width)
            WinogradTransform.Weights<S, V>(packed + i, panelSize, transformed + i, panelSize);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Finish(int tile, int count, int column, int columns, float* products)
    {
        const int Tile = WinogradTransform.Tile;
        var values = stackalloc V[Tile * Tile];
        for (var i = 0; i < count; i++)
        {
            int at = firstTile + tile + i, image = at / plan.TilesPerImage, place = at - image * plan.TilesPerImage;
            int oy = place / plan.TilesAcross * Tile, ox = place % plan.TilesAcross * Tile;
            int height = Math.Min(Tile, shape.OutHeight - oy), width = Math.Min(Tile, shape.OutWidth - ox);
            var pixel = (image * shape.OutHeight + oy) * shape.OutWidth + ox;
            for (var c = 0; c < columns; c += S.Width)
            {
                WinogradTransform.Output<S, V>(products + i * G.Columns + c, G.Rows * G.Columns, values);
                for (var y = 0; y < height; y++)
                    for (var x = 0; x < width; x++)
                        epilogue.Put<S, V>(pixel + y * shape.OutWidth + x, column + c, values[y * Tile + x], Math.Min(S.Width, columns - c));
            }
        }
    }
}
