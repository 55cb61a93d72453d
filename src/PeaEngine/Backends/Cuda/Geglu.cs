namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    static readonly ProductTile[] gegluTiles = [ProductTile.Widest, ProductTile.Wide, ProductTile.Small];

    /// <inheritdoc/>
    public override void Geglu(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.Gelu)
    {
        CheckTypes("geglu", y, x);
        CheckSingle("geglu", bias);
        int rows = y.Shape.Rows, columns = y.Shape[-1], depth = x.Shape[-1];
        var factors = Converted(weight, y.DType);
        // A tile has the gates beside the values.
        var tile = Tile(new("geglu", y.DType, rows, 2 * columns, depth), depth % 8 == 0 && Aligned(x) && factors % VectorBytes == 0, gegluTiles);
        Launch("geglu", new("geglu", tile.Name, Suffix(y.DType)), y, tile.Shape(rows, 2 * columns), x.Address, factors, Address(bias), y.Address, rows, columns, depth, (int)activation);
    }
}
