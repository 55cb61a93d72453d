using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void RmsNorm(Tensor x, Tensor gamma, Tensor y, float epsilon)
    {
        int rows = x.Shape.Rows, c = x.Shape[-1], block = Math.Max(1, SimdBlock.Elements / Math.Max(1, c));
        Run(new RmsNormJob
        {
            X = (float*)x.Address,
            Y = (float*)y.Address,
            Gamma = (float*)gamma.Address,
            Rows = rows,
            Channels = c,
            Block = block,
            Epsilon = epsilon,
        }, SimdBlock.Count(rows, block));
    }

    /// <summary>A block of rows. A row is read twice, the second time from the first cache.</summary>
    struct RmsNormJob : ISimdJob
    {
        public float* X, Y, Gamma;
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
            var factor = S.Create(Statistics<S, V>(x, Channels, Epsilon));
            for (var i = 0; i < Channels; i += S.Width)
            {
                var left = Channels - i;
                SimdBlock.Store<S, V>(y + i, S.Mul(S.Mul(SimdBlock.Load<S, V>(x + i, left), factor), SimdBlock.Load<S, V>(Gamma + i, left)), left);
            }
        }

        /// <summary>One over the root of a row's mean square.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public static float Statistics<S, V>(float* x, int c, float epsilon) where S : struct, ISimd<V> where V : unmanaged
        {
            // Four sums, since one addition has to wait for the other.
            int w = S.Width, i = 0;
            V s0 = S.Create(0), s1 = s0, s2 = s0, s3 = s0;
            for (; i <= c - 4 * w; i += 4 * w)
            {
                V x0 = S.Load(x + i), x1 = S.Load(x + i + w), x2 = S.Load(x + i + 2 * w), x3 = S.Load(x + i + 3 * w);
                s0 = S.Fma(x0, x0, s0);
                s1 = S.Fma(x1, x1, s1);
                s2 = S.Fma(x2, x2, s2);
                s3 = S.Fma(x3, x3, s3);
            }
            for (; i < c; i += w)
            {
                var rest = SimdBlock.Load<S, V>(x + i, c - i);
                s0 = S.Fma(rest, rest, s0);
            }
            var squares = S.Sum(S.Add(S.Add(s0, s1), S.Add(s2, s3)));
            return (float)(1 / Math.Sqrt((double)squares / c + epsilon));
        }
    }
}
