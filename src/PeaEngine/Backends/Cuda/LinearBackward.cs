using PeaEngine.Cuda;

namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <summary>By cuBLASLt where that is there and all rows are aligned, else by our kernel.</summary>
    /// <inheritdoc/>
    public override void LinearBackward(Tensor dy, Tensor weight, Tensor dx, Tensor? residual = null)
    {
        CheckTypes("linear_backward", dx, dy, residual);
        int rows = dx.Shape.Rows, columns = dx.Shape[-1], depth = dy.Shape[-1];
        var shape = new ProductShape(ProductType(dx.DType), rows, columns, depth) { TurnedWeight = true };
        if (shape.IsAligned && Aligned(dy, weight, residual ?? dx, dx) && Product("linear_backward", shape, dy, weight, null, dx, residual)) return;
        var factors = Converted(weight, dx.DType);
        var tile = Tile(new("linear_backward", dx.DType, rows, columns, depth), depth % 8 == 0 && columns % 8 == 0 && Aligned(dy) && factors % VectorBytes == 0, linearTiles);
        Launch("linear_backward", new("linear_backward", tile.Name, Suffix(dx.DType)), dx, tile.Shape(rows, columns), dy.Address, factors, Address(residual), dx.Address, rows, columns, depth);
    }
}
