namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void LinearWeightBackward(Tensor x, Tensor dy, Tensor dWeight)
    {
        CheckTypes("linear_weight_backward", dy, x);
        CheckSingle("linear_weight_backward", dWeight);
        int rows = dy.Shape[-1], columns = x.Shape[-1], depth = dy.Shape.Rows;
        var parts = SumParts.Of(rows, columns, depth);
        var tile = Tile(new("linear_weight_backward", dy.DType, parts.Count * rows, columns, depth), rows % 8 == 0 && columns % 8 == 0 && Aligned(x, dy), linearTiles);
        var sums = parts.Count == 1 ? dWeight.Address : Workspace(dWeight.Bytes * parts.Count);
        Launch("linear_weight_backward", new("linear_weight_backward", tile.Name, Suffix(dy.DType)), dWeight, tile.Shape(rows, columns, parts.Count), dy.Address, x.Address, sums,
            rows, columns, depth, parts.Length, parts.Count == 1 ? 1 : 0);
        if (parts.Count > 1) AddParts(sums, dWeight, parts.Count);
    }
}
