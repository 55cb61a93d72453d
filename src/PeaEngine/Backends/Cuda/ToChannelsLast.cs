using PeaEngine.Cuda;

namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <summary>Width and height of a transposed tile, and the threads below each other that work on one.</summary>
    const int TransposeTile = 32, TransposeRows = 8;

    /// <inheritdoc/>
    public override void ToChannelsLast(Tensor x, Tensor y) => Transpose("to_channels_last", x, y, x.Shape[1], x.Shape[2] * x.Shape[3]);

    /// <summary>y [B, columns, rows] = x [B, rows, columns].</summary>
    void Transpose(string op, Tensor x, Tensor y, int rows, int columns)
    {
        CheckTypes(op, y, x);
        Launch("transpose", new("transpose", Bits(y.DType)), y, new(new(Blocks(rows, TransposeTile) * Blocks(columns, TransposeTile), 1, y.Shape[0]), new Extents(TransposeTile, TransposeRows)),
            x.Address, y.Address, rows, columns);
    }
}
