namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void LinearBackward(Tensor dy, Tensor weight, Tensor dx, Tensor? residual = null)
    {
        CheckTypes("linear_backward", dx, dy, residual);
        int rows = dx.Shape.Rows, columns = dx.Shape[-1], depth = dy.Shape[-1];
        var factors = Converted(weight, dx.DType);
        var tile = Tile(new("linear_backward", dx.DType, rows, columns, depth), depth % 8 == 0 && columns % 8 == 0 && Aligned(dy) && factors % VectorBytes == 0, linearTiles);
        Launch("linear_backward", new("linear_backward", tile.Name, Suffix(dx.DType)), dx, tile.Shape(rows, columns), dy.Address, factors, Address(residual), dx.Address, rows, columns, depth);
    }
}
