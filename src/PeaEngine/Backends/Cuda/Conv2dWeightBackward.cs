namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void Conv2dWeightBackward(Tensor x, Tensor dy, Tensor dWeight, Conv2dGeometry geometry)
    {
        CheckTypes("conv2d_weight_backward", dy, x);
        CheckSingle("conv2d_weight_backward", dWeight);
        int images = x.Shape[0], height = x.Shape[1], width = x.Shape[2], channels = x.Shape[3], rows = dy.Shape[3], columns = (int)(dWeight.Elements / rows), pixels = dy.Shape.Rows;
        if (pixels == 0) return;
        var parts = SumParts.Of(rows, columns, pixels);
        var tile = Tile(new("conv2d_weight_backward", dy.DType, parts.Count * rows, columns, pixels), channels % 8 == 0 && rows % 8 == 0 && Aligned(x, dy), linearTiles);
        var sums = parts.Count == 1 ? dWeight.Address : Workspace(dWeight.Bytes * parts.Count);
        Launch("conv2d_weight_backward", new("conv2d_weight_backward", tile.Name, Suffix(dy.DType)), dWeight, tile.Shape(rows, columns, parts.Count), x.Address, dy.Address, sums,
            images, height, width, channels, geometry.InputHeight > 0 ? geometry.InputHeight : height, geometry.InputWidth > 0 ? geometry.InputWidth : width, dy.Shape[1], dy.Shape[2], rows,
            dWeight.Shape[1], geometry.Stride, geometry.Padding, parts.Length, parts.Count == 1 ? 1 : 0);
        if (parts.Count > 1) AddParts(sums, dWeight, parts.Count);
    }
}
