using System.Runtime.CompilerServices;

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

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            long i = (long)index * Block, end = Math.Min(Count, i + Block);
            int w = S.Width;
            V s0 = S.Create(0), s1 = s0, s2 = s0, s3 = s0;
            for (; i <= end - 4 * w; i += 4 * w)
            {
                V x0 = S.Load(X + i), x1 = S.Load(X + i + w), x2 = S.Load(X + i + 2 * w), x3 = S.Load(X + i + 3 * w);
                s0 = S.Fma(x0, x0, s0);
                s1 = S.Fma(x1, x1, s1);
                s2 = S.Fma(x2, x2, s2);
                s3 = S.Fma(x3, x3, s3);
            }
            for (; i < end; i += w)
            {
                var x = SimdBlock.Load<S, V>(X + i, end - i);
                s0 = S.Fma(x, x, s0);
            }
            Partials[index] = S.Sum(S.Add(S.Add(s0, s1), S.Add(s2, s3)));
        }
    }
}
