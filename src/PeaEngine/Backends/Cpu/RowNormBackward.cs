using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <summary>The gradients of a norm over the last dimension.</summary>
    /// <typeparam name="TCentred">Whether the mean is taken off: it is LayerNorm, else RmsNorm.</typeparam>
    void RowNormBackward<TCentred>(Tensor x, Tensor gamma, Tensor dy, Tensor dx, float epsilon, Tensor? residual, Tensor? dGamma, Tensor? dBeta) where TCentred : struct, IFlag
    {
        // As for GroupNorm, the blocks follow from the shape alone.
        int rows = x.Shape.Rows, c = x.Shape[-1], block = Math.Max(1, 2 * SimdBlock.Elements / Math.Max(1, c)), blocks = SimdBlock.Count(rows, block);
        var job = new RowNormBackwardJob<TCentred>
        {
            X = (float*)x.Address,
            Gamma = (float*)gamma.Address,
            Dy = (float*)dy.Address,
            Dx = (float*)dx.Address,
            Residual = residual is { } tensor ? (float*)tensor.Address : null,
            Partials = dGamma == null ? null : (float*)workspaces[0].Get(2L * blocks * c * sizeof(float)),
            Rows = rows,
            Channels = c,
            Block = block,
            Epsilon = epsilon,
        };
        Run(job, blocks);
        AddNormParameters(job.Partials, blocks, c, dGamma, dBeta);
    }

    /// <summary>A block of rows. A row's statistics are taken again, then its sums, and then dx and what the parameters get, all from the first cache.</summary>
    struct RowNormBackwardJob<TCentred> : ISimdJob where TCentred : struct, IFlag
    {
        public float* X, Gamma, Dy, Dx, Residual;

        /// <summary>[blocks, 2, C]: sums of dy · x̂, and of dy; null where nobody wants them.</summary>
        public float* Partials;

        public int Rows, Channels, Block;
        public float Epsilon;

        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            var partials = Partials == null ? null : Partials + 2L * index * Channels;
            if (partials != null) new Span<float>(partials, 2 * Channels).Clear();
            var end = Math.Min(Rows, ((long)index + 1) * Block);
            for (var row = (long)index * Block; row < end; row++) Row<S, V>(row * Channels, partials);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        readonly void Row<S, V>(long start, float* products) where S : struct, ISimd<V> where V : unmanaged
        {
            int c = Channels, w = S.Width, i = 0;
            float* x = X + start, dy = Dy + start, gamma = Gamma;
            var (mean, rstd) = TCentred.Is ? LayerNormJob.Statistics<S, V>(x, c, Epsilon) : (0, RmsNormJob.Statistics<S, V>(x, c, Epsilon));

            // Elements behind the row's end are zeros in dy, so that they add nothing.
            V m = S.Create(mean), r = S.Create(rstd), s0 = S.Create(0), s1 = s0, q0 = s0, q1 = s0;
            for (; i <= c - 2 * w; i += 2 * w)
            {
                V d0 = S.Mul(S.Load(dy + i), S.Load(gamma + i)), d1 = S.Mul(S.Load(dy + i + w), S.Load(gamma + i + w));
                s0 = S.Add(s0, d0);
                s1 = S.Add(s1, d1);
                q0 = S.Fma(d0, S.Sub(S.Load(x + i), m), q0);
                q1 = S.Fma(d1, S.Sub(S.Load(x + i + w), m), q1);
            }
            for (; i < c; i += w)
            {
                var d = S.Mul(SimdBlock.Load<S, V>(dy + i, c - i), SimdBlock.Load<S, V>(gamma + i, c - i));
                s0 = S.Add(s0, d);
                q0 = S.Fma(d, S.Sub(SimdBlock.Load<S, V>(x + i, c - i), m), q0);
            }

            var slope = S.Create((float)(-(double)rstd * rstd * rstd * S.Sum(S.Add(q0, q1)) / c));
            var rest = S.Create(TCentred.Is ? -rstd * S.Sum(S.Add(s0, s1)) / c : 0);
            for (i = 0; i <= c - w; i += w) Put<S, V>(start + i, i, w, m, r, slope, rest, products);
            if (i < c) Put<S, V>(start + i, i, c - i, m, r, slope, rest, products);
        }

        /// <summary>A vector of dx, and what the parameters get from it.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        readonly void Put<S, V>(long at, int column, int left, V mean, V rstd, V slope, V rest, float* products) where S : struct, ISimd<V> where V : unmanaged
        {
            V dy = SimdBlock.Load<S, V>(Dy + at, left), deviation = S.Sub(SimdBlock.Load<S, V>(X + at, left), mean);
            if (products != null)
            {
                float* product = products + column, sum = product + Channels;
                SimdBlock.Store<S, V>(product, S.Fma(dy, S.Mul(deviation, rstd), SimdBlock.Load<S, V>(product, left)), left);
                if (TCentred.Is) SimdBlock.Store<S, V>(sum, S.Add(dy, SimdBlock.Load<S, V>(sum, left)), left);
            }
            var dx = S.Fma(S.Mul(dy, SimdBlock.Load<S, V>(Gamma + column, left)), rstd, S.Fma(deviation, slope, rest));
            SimdBlock.Store<S, V>(Dx + at, Residual == null ? dx : S.Add(dx, SimdBlock.Load<S, V>(Residual + at, left)), left);
        }
    }
}
