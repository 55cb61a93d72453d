namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    static readonly ProductTile[] linearTiles = [ProductTile.Wide, ProductTile.Small];

    /// <inheritdoc/>
    public override void Linear(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.None, Tensor? residual = null)
    {
        CheckTypes("linear", y, x);
        int rows = y.Shape.Rows, columns = y.Shape[-1], depth = x.Shape[-1];
        var factors = Converted(weight, y.DType);
        var tile = ProductTile.Choose(y.DType, rows, columns, depth % 8 == 0 && Aligned(x) && factors % VectorBytes == 0, context.Device.Multiprocessors, linearTiles);
        Launch("linear", new("linear", tile.Name, Suffix(y.DType)), y, tile.Shape(rows, columns), x.Address, factors, Address(bias), Address(residual), y.Address, rows, columns, depth, (int)activation);
    }
}
