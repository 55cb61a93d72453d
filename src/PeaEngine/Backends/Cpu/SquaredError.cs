using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void SquaredError(Tensor a, Tensor b, Tensor y)
    {
        if (a.Elements == 0) return;
        var batch = a.Shape[0];
        var size = a.Elements / batch;
        var blocks = SimdBlock.Count(size, SquaredErrorJob.Block);
        var partials = (float*)workspaces[0].Get((long)batch * blocks * sizeof(float));
        Run(new SquaredErrorJob { A = (float*)a.Address, B = (float*)b.Address, Partials = partials, Size = size, Blocks = blocks }, checked(batch * blocks));
        for (var sample = 0; sample < batch; sample++)
        {
            double sum = 0;
            for (var block = 0; block < blocks; block++) sum += *partials++;
            ((float*)y.Address)[sample] = (float)(sum / size);
        }
    }

    /// <summary>The sum of one block of a sample in single precision, so short that it is as good as a product's.</summary>
    struct SquaredErrorJob : ISimdJob
    {
        public const int Block = 4096;

        public float* A, B, Partials;
        public long Size;
        public int Blocks;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            long start = (long)(index % Blocks) * Block, i = 0, count = Math.Min(Block, Size - start), w = S.Width;
            float* a = A + index / Blocks * Size + start, b = B + index / Blocks * Size + start;
            V s0 = S.Create(0), s1 = s0, s2 = s0, s3 = s0;
            for (; i <= count - 4 * w; i += 4 * w)
            {
                V d0 = S.Sub(S.Load(a + i), S.Load(b + i)), d1 = S.Sub(S.Load(a + i + w), S.Load(b + i + w));
                V d2 = S.Sub(S.Load(a + i + 2 * w), S.Load(b + i + 2 * w)), d3 = S.Sub(S.Load(a + i + 3 * w), S.Load(b + i + 3 * w));
                s0 = S.Fma(d0, d0, s0);
                s1 = S.Fma(d1, d1, s1);
                s2 = S.Fma(d2, d2, s2);
                s3 = S.Fma(d3, d3, s3);
            }
            for (; i < count; i += w)
            {
                var d = S.Sub(SimdBlock.Load<S, V>(a + i, count - i), SimdBlock.Load<S, V>(b + i, count - i));
                s0 = S.Fma(d, d, s0);
            }
            Partials[index] = S.Sum(S.Add(S.Add(s0, s1), S.Add(s2, s3)));
        }
    }
}
