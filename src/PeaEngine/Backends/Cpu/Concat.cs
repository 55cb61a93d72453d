namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Concat(Tensor a, Tensor b, Tensor y)
    {
        int rows = y.Shape.Rows, block = Math.Max(1, SimdBlock.Elements / Math.Max(1, y.Shape[-1]));
        Run(new ConcatJob
        {
            A = (float*)a.Address,
            B = (float*)b.Address,
            Y = (float*)y.Address,
            AColumns = a.Shape[-1],
            BColumns = b.Shape[-1],
            Rows = rows,
            Block = block,
        }, SimdBlock.Count(rows, block));
    }

    struct ConcatJob : ISimdJob
    {
        public float* A, B, Y;
        public int AColumns, BColumns, Rows, Block;

        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            long columns = AColumns + BColumns, end = Math.Min(Rows, ((long)index + 1) * Block);
            for (var row = (long)index * Block; row < end; row++)
            {
                new ReadOnlySpan<float>(A + row * AColumns, AColumns).CopyTo(new(Y + row * columns, AColumns));
                new ReadOnlySpan<float>(B + row * BColumns, BColumns).CopyTo(new(Y + row * columns + AColumns, BColumns));
            }
        }
    }
}
