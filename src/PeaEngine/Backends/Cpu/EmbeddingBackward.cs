using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void EmbeddingBackward(Tensor ids, Tensor dy, Tensor dTable)
    {
        var c = dTable.Shape[1];
        Run(new EmbeddingBackwardJob { Ids = (int*)ids.Address, Dy = (float*)dy.Address, Table = (float*)dTable.Address, Rows = dy.Shape.Rows, Channels = c },
            SimdBlock.Count(c, EmbeddingBackwardJob.Columns));
    }

    /// <summary>Some columns of all tokens: an id that comes twice is added to by one thread, in the tokens' order.</summary>
    struct EmbeddingBackwardJob : ISimdJob
    {
        public const int Columns = 128;

        public int* Ids;
        public float* Dy, Table;
        public int Rows, Channels;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            int first = index * Columns, columns = Math.Min(Columns, Channels - first);
            var dy = Dy + first;
            for (var row = 0; row < Rows; row++, dy += Channels)
            {
                var to = Table + (long)Ids[row] * Channels + first;
                for (var i = 0; i < columns; i += S.Width)
                    SimdBlock.Store<S, V>(to + i, S.Add(SimdBlock.Load<S, V>(to + i, columns - i), SimdBlock.Load<S, V>(dy + i, columns - i)), columns - i);
            }
        }
    }
}
