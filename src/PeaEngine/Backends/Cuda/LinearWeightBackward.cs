using PeaEngine.Cuda;

namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <summary>By cuBLASLt where that is there and all rows are aligned, which cuts a great depth itself; else by our kernel, in parts.</summary>
    /// <inheritdoc/>
    public override void LinearWeightBackward(Tensor x, Tensor dy, Tensor dWeight)
    {
        CheckTypes("linear_weight_backward", dy, x);
        CheckSingle("linear_weight_backward", dWeight);
        int rows = dy.Shape[-1], columns = x.Shape[-1], depth = dy.Shape.Rows;
        if (depth == 0) return;
        var shape = new ProductShape(ProductType(dy.DType), rows, columns, depth) { TurnedX = true, TurnedWeight = true, Result = ProductType(DType.F32) };
        if (shape.IsAligned && Aligned(dy, x, dWeight) && Product("linear_weight_backward", shape, dy, x, null, dWeight, dWeight)) return;
        var parts = SumParts.Of(rows, columns, depth);
        var tile = Tile(new("linear_weight_backward", dy.DType, parts.Count * rows, columns, depth), rows % 8 == 0 && columns % 8 == 0 && Aligned(x, dy), linearTiles);
        var sums = parts.Count == 1 ? dWeight.Address : Workspace(dWeight.Bytes * parts.Count);
        Launch("linear_weight_backward", new("linear_weight_backward", tile.Name, Suffix(dy.DType)), dWeight, tile.Shape(rows, columns, parts.Count), dy.Address, x.Address, sums,
            rows, columns, depth, parts.Length, parts.Count == 1 ? 1 : 0);
        if (parts.Count > 1) AddParts(sums, dWeight, parts.Count);
    }
}
