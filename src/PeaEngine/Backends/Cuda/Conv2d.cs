namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    static readonly ProductTile[] convolutionTiles = [ProductTile.Widest, ProductTile.Wide, ProductTile.Small];

    /// <inheritdoc/>
    public override void Conv2d(Tensor x, Tensor weight, Tensor? bias, Tensor y, Conv2dGeometry geometry, Tensor? shift = null, Tensor? residual = null)
    {
        CheckTypes("conv2d", y, x, shift, residual);
        CheckSingle("conv2d", bias);
        int images = x.Shape[0], height = x.Shape[1], width = x.Shape[2], channels = x.Shape[3], rows = y.Shape.Rows, columns = y.Shape[3];
        var factors = Converted(weight, y.DType);
        var tile = Tile(new("conv2d", y.DType, rows, columns, weight.Shape[1] * weight.Shape[2] * channels), channels % 8 == 0 && Aligned(x) && factors % VectorBytes == 0, convolutionTiles);
        Launch("conv2d", new("conv2d", tile.Name, Suffix(y.DType)), y, tile.Shape(rows, columns), x.Address, factors, Address(bias), Address(shift), Address(residual), y.Address,
            images, height, width, channels, geometry.InputHeight > 0 ? geometry.InputHeight : height, geometry.InputWidth > 0 ? geometry.InputWidth : width, y.Shape[1], y.Shape[2], columns,
            weight.Shape[1], geometry.Stride, geometry.Padding);
    }
}
