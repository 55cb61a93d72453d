namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Split(Tensor x, Tensor a, Tensor b)
    {
        int rows = x.Shape.Rows, block = Math.Max(1, SimdBlock.Elements / Math.Max(1, x.Shape[-1]));
        Run(new SplitJob
        {
            X = (float*)x.Address,
            A = (float*)a.Address,
            B = (float*)b.Address,
            AColumns = a.Shape[-1],
            BColumns = b.Shape[-1],
            Rows = rows,
            Block = block,
        }, SimdBlock.Count(rows, block));
    }

    struct SplitJob : ISimdJob
    {
        public float* X, A, B;
        public int AColumns, BColumns, Rows, Block;

        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            long columns = AColumns + BColumns, end = Math.Min(Rows, ((long)index + 1) * Block);
            for (var row = (long)index * Block; row < end; row++)
            {
                new ReadOnlySpan<float>(X + row * columns, AColumns).CopyTo(new(A + row * AColumns, AColumns));
                new ReadOnlySpan<float>(X + row * columns + AColumns, BColumns).CopyTo(new(B + row * BColumns, BColumns));
            }
        }
    }
}
