using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void ToChannelsLast(Tensor x, Tensor y) => Transpose(x, y, x.Shape[0], x.Shape[1], x.Shape[2] * x.Shape[3]);

    // y[b, j, i] = x[b, i, j]
    void Transpose(Tensor x, Tensor y, int batch, int rows, int columns)
    {
        // Blocks along the longer side, which is the picture's in all but the smallest layers.
        var stripes = SimdBlock.Count(Math.Max(rows, columns), TransposeJob.Stripe);
        Run(new TransposeJob { X = (float*)x.Address, Y = (float*)y.Address, Rows = rows, Columns = columns, Stripes = stripes }, batch * stripes);
    }

    struct TransposeJob : ISimdJob
    {
        public const int Stripe = 1024;
        const int Tile = 16;

        public float* X, Y;
        public int Rows, Columns, Stripes;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            var offset = (long)(index / Stripes) * Rows * Columns;
            float* x = X + offset, y = Y + offset;
            int start = index % Stripes * Stripe, fromRow = 0, toRow = Rows, fromColumn = 0, toColumn = Columns;
            if (Rows >= Columns) (fromRow, toRow) = (start, Math.Min(Rows, start + Stripe));
            else (fromColumn, toColumn) = (start, Math.Min(Columns, start + Stripe));
            for (var r = fromRow; r < toRow; r += Tile)
                for (var c = fromColumn; c < toColumn; c += Tile)
                {
                    int rows = Math.Min(toRow, r + Tile), columns = Math.Min(toColumn, c + Tile);
                    for (var i = r; i < rows; i++)
                        for (var j = c; j < columns; j++) y[(long)j * Rows + i] = x[(long)i * Columns + j];
                }
        }
    }
}
