namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void Conv2dBackward(Tensor dy, Tensor weight, Tensor dx, Conv2dGeometry geometry, Tensor? residual = null)
    {
        CheckTypes("conv2d_backward", dx, dy, residual);
        int rows = dx.Shape.Rows, columns = dx.Shape[3], outputs = dy.Shape[3];
        var factors = Converted(weight, dx.DType);
        var tile = Tile(new("conv2d_backward", dx.DType, rows, columns, weight.Shape[1] * weight.Shape[2] * outputs), outputs % 8 == 0 && columns % 8 == 0 && Aligned(dy) && factors % VectorBytes == 0, convolutionTiles);
        Launch("conv2d_backward", new("conv2d_backward", tile.Name, Suffix(dx.DType)), dx, tile.Shape(rows, columns), dy.Address, factors, Address(residual), dx.Address,
            dx.Shape[0], dx.Shape[1], dx.Shape[2], columns, dy.Shape[1], dy.Shape[2], outputs, weight.Shape[1], geometry.Stride, geometry.Padding);
    }
}
