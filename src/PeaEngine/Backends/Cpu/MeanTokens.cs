using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void MeanTokens(Tensor x, Tensor? mask, Tensor y)
    {
        int batch = x.Shape[0], c = x.Shape[2], blocks = SimdBlock.Count(c, MeanTokensJob.Columns);
        Run(new MeanTokensJob
        {
            X = (float*)x.Address,
            Y = (float*)y.Address,
            Mask = mask is { } tensor ? (byte*)tensor.Address : null,
            Tokens = x.Shape[1],
            Channels = c,
            Blocks = blocks,
        }, batch * blocks);
    }

    /// <summary>Some columns of one sample: their sums stay in the first cache while the tokens pass by.</summary>
    struct MeanTokensJob : ISimdJob
    {
        public const int Columns = 1024;

        public float* X, Y;
        public byte* Mask;
        public int Tokens, Channels, Blocks;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            int sample = index / Blocks, first = index % Blocks * Columns, columns = Math.Min(Columns, Channels - first), count = 0;
            var y = Y + (long)sample * Channels + first;
            new Span<float>(y, columns).Clear();
            for (var token = 0; token < Tokens; token++)
            {
                var at = (long)sample * Tokens + token;
                if (Mask != null && Mask[at] == 0) continue;
                count++;
                var x = X + at * Channels + first;
                for (var i = 0; i < columns; i += S.Width)
                    SimdBlock.Store<S, V>(y + i, S.Add(SimdBlock.Load<S, V>(y + i, columns - i), SimdBlock.Load<S, V>(x + i, columns - i)), columns - i);
            }
            var factor = S.Create(1f / Math.Max(count, 1));
            for (var i = 0; i < columns; i += S.Width)
                SimdBlock.Store<S, V>(y + i, S.Mul(SimdBlock.Load<S, V>(y + i, columns - i), factor), columns - i);
        }
    }
}
