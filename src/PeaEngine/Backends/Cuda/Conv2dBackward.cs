namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <summary>Of a strided convolution every class of pixels has blocks of its own: those that lie alike to the stride are seen by the same places of the kernel.</summary>
    /// <inheritdoc/>
    public override void Conv2dBackward(Tensor dy, Tensor weight, Tensor dx, Conv2dGeometry geometry, Tensor? residual = null)
    {
        CheckTypes("conv2d_backward", dx, dy, residual);
        int rows = dx.Shape.Rows, columns = dx.Shape[3], outputs = dy.Shape[3];
        var factors = Converted(weight, dx.DType);
        var tile = Tile(new("conv2d_backward", dx.DType, rows, columns, weight.Shape[1] * weight.Shape[2] * outputs), outputs % 8 == 0 && columns % 8 == 0 && Aligned(dy) && factors % VectorBytes == 0, convolutionTiles);
        int stride = geometry.Stride, classRows = dx.Shape[0] * Blocks(dx.Shape[1], stride) * Blocks(dx.Shape[2], stride);
        Launch("conv2d_backward", new("conv2d_backward", tile.Name, Suffix(dx.DType)), dx, tile.Shape(classRows, columns, stride * stride), dy.Address, factors, Address(residual), dx.Address,
            dx.Shape[0], dx.Shape[1], dx.Shape[2], columns, dy.Shape[1], dy.Shape[2], outputs, weight.Shape[1], stride, geometry.Padding);
    }
}
