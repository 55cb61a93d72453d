namespace PeaEngine.Backends;

/// <summary>
/// Transforms a block of input tiles: [slivers, 36, G.Rows, InputStride], a sliver being the rows of one product tile, so that
/// the products read forwards. Padding, borders and upsampling are in the pixels' addresses; what lies outside points to zeros.
/// </summary>
readonly unsafe struct WinogradInputJob<S, V>(ConvShape shape, WinogradPlan plan, float* x, float* zeros, float* to, int firstTile, int tiles, int tileRows, int tilesPerItem)
    : IParallelJob where S : struct, ISimd<V> where V : unmanaged
{
    public void Run(int index, int worker)
    {
        const int Window = WinogradTransform.Window;
        var pixels = stackalloc float*[WinogradTransform.Positions];
        nint stride = (nint)tileRows * plan.InputStride;
        for (var tile = index * tilesPerItem; tile < Math.Min(tiles, (index + 1) * tilesPerItem); tile++)
        {
            int image = (firstTile + tile) / plan.TilesPerImage, place = (firstTile + tile) - image * plan.TilesPerImage, line = place / plan.TilesAcross;
            int top = line * WinogradTransform.Tile - shape.Padding, left = (place - line * plan.TilesAcross) * WinogradTransform.Tile - shape.Padding;
            var from = x + (nint)image * shape.Height * shape.Width * shape.InChannels;
            for (var i = 0; i < WinogradTransform.Positions; i++)
            {
                int iy = shape.SourceY(top + i / Window), ix = shape.SourceX(left + i % Window);
                pixels[i] = (iy | ix) < 0 ? zeros : from + ((nint)iy * shape.Width + ix) * shape.InChannels;
            }
            var sliver = tile / tileRows;
            var at = to + (nint)sliver * WinogradTransform.Positions * stride + (nint)(tile - sliver * tileRows) * plan.InputStride;
            for (var c = 0; c < shape.InChannels; c += S.Width)
                WinogradTransform.Input<S, V>(pixels, c, Math.Min(S.Width, shape.InChannels - c), at + c, stride);
        }
    }
}
