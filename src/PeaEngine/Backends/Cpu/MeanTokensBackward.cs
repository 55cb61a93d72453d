using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void MeanTokensBackward(Tensor dy, Tensor? mask, Tensor dx, bool add)
    {
        int tokens = dx.Shape[1], c = dx.Shape[2], block = Math.Max(1, SimdBlock.Elements / Math.Max(1, c)), blocks = SimdBlock.Count(tokens, block);
        Run(new MeanTokensBackwardJob
        {
            Dy = (float*)dy.Address,
            Dx = (float*)dx.Address,
            Mask = mask is { } tensor ? (byte*)tensor.Address : null,
            Tokens = tokens,
            Channels = c,
            Block = block,
            Blocks = blocks,
            Add = add,
        }, dx.Shape[0] * blocks);
    }

    /// <summary>Some tokens of one sample. Each item counts the sample's tokens by itself: they are bytes.</summary>
    struct MeanTokensBackwardJob : ISimdJob
    {
        public float* Dy, Dx;
        public byte* Mask;
        public int Tokens, Channels, Block, Blocks;
        public bool Add;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            int sample = index / Blocks, first = index % Blocks * Block, end = Math.Min(Tokens, first + Block);
            var mask = Mask == null ? null : Mask + (long)sample * Tokens;
            var count = mask == null ? Tokens : Tokens - new ReadOnlySpan<byte>(mask, Tokens).Count((byte)0);
            var factor = S.Create(1f / Math.Max(count, 1));
            float* dy = Dy + (long)sample * Channels, dx = Dx + ((long)sample * Tokens + first) * Channels;
            for (var token = first; token < end; token++, dx += Channels)
            {
                if (mask != null && mask[token] == 0)
                {
                    if (!Add) new Span<float>(dx, Channels).Clear();
                    continue;
                }
                for (var i = 0; i < Channels; i += S.Width)
                {
                    var left = Channels - i;
                    var d = SimdBlock.Load<S, V>(dy + i, left);
                    SimdBlock.Store<S, V>(dx + i, Add ? S.Fma(d, factor, SimdBlock.Load<S, V>(dx + i, left)) : S.Mul(d, factor), left);
                }
            }
        }
    }
}
