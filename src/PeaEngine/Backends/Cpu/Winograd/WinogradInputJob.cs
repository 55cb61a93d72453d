using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

/// <summary>
/// Transforms a block of input tiles: [DepthBlocks, slivers, 36, tileRows, InputStride], a sliver being the rows of one product tile, so that
/// the products read forwards. Padding, borders and upsampling are in the pixels' addresses; what lies outside points to zeros.
/// An item is a block of depth of a sliver.
/// </summary>
readonly unsafe struct WinogradInputJob<S, V>(ConvShape shape, WinogradPlan plan, float* x, float* zeros, float* to, int firstTile, int tiles, int tileRows,
    CpuWorkspace[] workspaces) : IParallelJob where S : struct, ISimd<V> where V : unmanaged
{
    public void Run(int index, int worker)
    {
        int slivers = WinogradPlan.Slivers(tiles, tileRows), block = index / slivers, sliver = index - block * slivers;
        int first = block * plan.Depth, last = Math.Min(shape.InChannels, first + plan.Depth);
        // The transform writes 36 lines far apart, each of which would wait for memory by itself: it writes them near by, and what is
        // then copied is one stream.
        var bytes = plan.SliverSize(tileRows) * sizeof(float);
        var near = (float*)workspaces[worker].Get(bytes);
        var pixels = stackalloc float*[WinogradTransform.Positions];
        for (var row = 0; row < Math.Min(tileRows, tiles - sliver * tileRows); row++)
        {
            FindPixels(firstTile + sliver * tileRows + row, pixels);
            for (var c = first; c < last; c += S.Width)
                WinogradTransform.Input<S, V>(pixels, c, Math.Min(S.Width, last - c), near + (nint)row * plan.InputStride + (c - first), (nint)tileRows * plan.InputStride);
        }
        Unsafe.CopyBlock(to + index * plan.SliverSize(tileRows), near, (uint)bytes);
    }

    void FindPixels(int tile, float** pixels)
    {
        const int Window = WinogradTransform.Window;
        int image = tile / plan.TilesPerImage, place = tile - image * plan.TilesPerImage, line = place / plan.TilesAcross;
        int top = line * WinogradTransform.Tile - shape.Padding, left = (place - line * plan.TilesAcross) * WinogradTransform.Tile - shape.Padding;
        var from = x + (nint)image * shape.Height * shape.Width * shape.InChannels;
        for (var i = 0; i < WinogradTransform.Positions; i++)
        {
            int iy = shape.SourceY(top + i / Window), ix = shape.SourceX(left + i % Window);
            pixels[i] = (iy | ix) < 0 ? zeros : from + ((nint)iy * shape.Width + ix) * shape.InChannels;
        }
    }
}
