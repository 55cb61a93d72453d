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
        public static float Statistics<S, V>(float* x, int c, float epsilon) where S : struct, ISimd<V> where V : unmanaged =>
            (float)(1 / Math.Sqrt((double)SimdBlock.SumSquares<S, V>(x, c) / c + epsilon));
    }
}
