using PeaEngine.Cuda;
using PeaEngine.Cuda.Sys;

namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    static readonly ProductTile[] linearTiles = [ProductTile.Wide, ProductTile.Small];

    CudaProducts? products;

    /// <summary>
    /// By cuBLASLt where that is there and all rows are aligned; by our kernel where they are not, and where there is an activation: cuBLASLt has neither SiLU nor the exact GELU.
    /// </summary>
    /// <inheritdoc/>
    public override void Linear(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.None, Tensor? residual = null)
    {
        CheckTypes("linear", y, x, residual);
        CheckSingle("linear", bias);
        int rows = y.Shape.Rows, columns = y.Shape[-1], depth = x.Shape[-1];
        var shape = new ProductShape(ProductType(y.DType), rows, columns, depth, bias != null);
        if (activation == Activation.None && shape.IsAligned && Aligned(x, weight, bias ?? y, residual ?? y, y) && Product("linear", shape, x, weight, bias, y, residual)) return;
        var factors = Converted(weight, y.DType);
        var tile = Tile(new("linear", y.DType, rows, columns, depth), depth % 8 == 0 && Aligned(x) && factors % VectorBytes == 0, linearTiles);
        Launch("linear", new("linear", tile.Name, Suffix(y.DType)), y, tile.Shape(rows, columns), x.Address, factors, Address(bias), Address(residual), y.Address, rows, columns, depth, (int)activation);
    }

    /// <summary>Computes a product by cuBLASLt, if that is there and can. A weight of another type than x is converted.</summary>
    bool Product(string op, in ProductShape shape, Tensor x, Tensor weight, Tensor? bias, Tensor y, Tensor? residual)
    {
        if (!UsesLibrary || context.Libraries.CuBlasLt.Value is not { } library || y.Elements == 0) return false;
        products ??= new(library, stream);
        var (factors, added) = Converted(weight, bias, x.DType);
        Begin(op, y);
        return products.Run(shape, x.Address, factors, added, Address(residual), y.Address);
    }

    static cudaDataType ProductType(DType dtype) => dtype switch
    {
        DType.F16 => cudaDataType.CUDA_R_16F,
        DType.BF16 => cudaDataType.CUDA_R_16BF,
        _ => cudaDataType.CUDA_R_32F,
    };
}
