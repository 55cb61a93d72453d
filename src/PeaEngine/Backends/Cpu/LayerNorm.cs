using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void LayerNorm(Tensor x, Tensor gamma, Tensor beta, Tensor y, float epsilon)
    {
        int rows = x.Shape.Rows, c = x.Shape[-1], block = Math.Max(1, SimdBlock.Elements / Math.Max(1, c));
        Run(new LayerNormJob
        {
            X = (float*)x.Address,
            Y = (float*)y.Address,
            Gamma = (float*)gamma.Address,
            Beta = (float*)beta.Address,
            Rows = rows,
            Channels = c,
            Block = block,
            Epsilon = epsilon,
        }, SimdBlock.Count(rows, block));
    }

    /// <summary>A block of rows. A row is read three times, twice of them from the first cache: mean, deviations from it, result.</summary>
    struct LayerNormJob : ISimdJob
    {
        public float* X, Y, Gamma, Beta;
        public int Rows, Channels, Block;
        public float Epsilon;

        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            var end = (int)Math.Min(Rows, ((long)index + 1) * Block);
            for (var row = index * Block; row < end; row++) Row<S, V>(X + (long)row * Channels, Y + (long)row * Channels);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        readonly void Row<S, V>(float* x, float* y) where S : struct, ISimd<V> where V : unmanaged
        {
            var (mean, rstd) = Statistics<S, V>(x, Channels, Epsilon);
            V m = S.Create(mean), r = S.Create(rstd);
            for (var i = 0; i < Channels; i += S.Width)
            {
                var left = Channels - i;
                var normal = S.Mul(S.Sub(SimdBlock.Load<S, V>(x + i, left), m), r);
                SimdBlock.Store<S, V>(y + i, S.Fma(normal, SimdBlock.Load<S, V>(Gamma + i, left), SimdBlock.Load<S, V>(Beta + i, left)), left);
            }
        }

        /// <summary>The mean of a row, and one over its standard deviation.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public static (float Mean, float Rstd) Statistics<S, V>(float* x, int c, float epsilon) where S : struct, ISimd<V> where V : unmanaged
        {
            // Four sums each, since one addition has to wait for the other.
            int w = S.Width, i = 0;
            V s0 = S.Create(0), s1 = s0, s2 = s0, s3 = s0;
            for (; i <= c - 4 * w; i += 4 * w)
            {
                s0 = S.Add(s0, S.Load(x + i));
                s1 = S.Add(s1, S.Load(x + i + w));
                s2 = S.Add(s2, S.Load(x + i + 2 * w));
                s3 = S.Add(s3, S.Load(x + i + 3 * w));
            }
            for (; i < c; i += w) s0 = S.Add(s0, SimdBlock.Load<S, V>(x + i, c - i));
            var mean = S.Sum(S.Add(S.Add(s0, s1), S.Add(s2, s3))) / c;

            var m = S.Create(mean);
            s0 = s1 = s2 = s3 = S.Create(0);
            for (i = 0; i <= c - 4 * w; i += 4 * w)
            {
                V d0 = S.Sub(S.Load(x + i), m), d1 = S.Sub(S.Load(x + i + w), m);
                V d2 = S.Sub(S.Load(x + i + 2 * w), m), d3 = S.Sub(S.Load(x + i + 3 * w), m);
                s0 = S.Fma(d0, d0, s0);
                s1 = S.Fma(d1, d1, s1);
                s2 = S.Fma(d2, d2, s2);
                s3 = S.Fma(d3, d3, s3);
            }
            for (; i <= c - w; i += w)
            {
                var d = S.Sub(S.Load(x + i), m);
                s0 = S.Fma(d, d, s0);
            }
            var squares = S.Sum(S.Add(S.Add(s0, s1), S.Add(s2, s3)));
            for (; i < c; i++) squares += (x[i] - mean) * (x[i] - mean);
            return (mean, (float)(1 / Math.Sqrt((double)squares / c + epsilon)));
        }
    }
}
