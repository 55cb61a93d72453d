namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void SumSquares(Tensor x, Tensor y)
    {
        var blocks = SimdBlock.Count(x.Elements, SumSquaresJob.Block);
        var partials = (float*)workspaces[0].Get((long)blocks * sizeof(float));
        Run(new SumSquaresJob { X = (float*)x.Address, Partials = partials, Count = x.Elements }, blocks);
        double sum = 0;
        for (var block = 0; block < blocks; block++) sum += partials[block];
        *(float*)y.Address = (float)sum;
    }

    /// <summary>One block in single precision, so short that its sum is as good as a product's.</summary>
    struct SumSquaresJob : ISimdJob
    {
        public const int Block = 4096;

        public float* X, Partials;
        public long Count;

        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            var start = (long)index * Block;
            Partials[index] = SimdBlock.SumSquares<S, V>(X + start, Math.Min(Count - start, Block));
        }
    }
}
