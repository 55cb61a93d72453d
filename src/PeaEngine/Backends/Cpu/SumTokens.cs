using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void SumTokens(Tensor x, Tensor y)
    {
        int c = x.Shape[2], blocks = SimdBlock.Count(c, SumTokensJob.Columns);
        Run(new SumTokensJob { X = (float*)x.Address, Y = (float*)y.Address, Tokens = x.Shape[1], Channels = c, Blocks = blocks }, x.Shape[0] * blocks);
    }

    /// <summary>Some columns of one sample. Long sums are added up from sums of a block of tokens, which loses less than one token after another.</summary>
    struct SumTokensJob : ISimdJob
    {
        public const int Columns = 128;
        const int BlockTokens = 256;

        public float* X, Y;
        public int Tokens, Channels, Blocks;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            int sample = index / Blocks, first = index % Blocks * Columns, columns = Math.Min(Columns, Channels - first);
            var y = Y + (long)sample * Channels + first;
            var x = X + (long)sample * Tokens * Channels + first;
            var sums = stackalloc float[Columns];
            for (var token = 0; token < Tokens;)
            {
                new Span<float>(sums, Columns).Clear();
                for (var end = Math.Min(Tokens, token + BlockTokens); token < end; token++, x += Channels) Add<S, V>(sums, x, columns);
                Add<S, V>(y, sums, columns);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Add<S, V>(float* to, float* from, int columns) where S : struct, ISimd<V> where V : unmanaged
        {
            for (var i = 0; i < columns; i += S.Width)
                SimdBlock.Store<S, V>(to + i, S.Add(SimdBlock.Load<S, V>(to + i, columns - i), SimdBlock.Load<S, V>(from + i, columns - i)), columns - i);
        }
    }
}
