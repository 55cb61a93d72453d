using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Embedding(Tensor ids, Tensor table, Tensor? positions, Tensor y)
    {
        switch (table.DType)
        {
            case DType.F32: EmbedWith<StoredF32>(ids, table, positions, y); break;
            case DType.F16: EmbedWith<StoredF16>(ids, table, positions, y); break;
            default: EmbedWith<StoredBF16>(ids, table, positions, y); break;
        }
    }

    void EmbedWith<T>(Tensor ids, Tensor table, Tensor? positions, Tensor y) where T : struct, IStored
    {
        var p = positions is { } tensor ? (byte*)tensor.Address : null;
        switch (positions?.DType ?? DType.F32)
        {
            case DType.F32: EmbedWith<T, StoredF32>(ids, table, p, y); break;
            case DType.F16: EmbedWith<T, StoredF16>(ids, table, p, y); break;
            default: EmbedWith<T, StoredBF16>(ids, table, p, y); break;
        }
    }

    void EmbedWith<T, TPosition>(Tensor ids, Tensor table, byte* positions, Tensor y) where T : struct, IStored where TPosition : struct, IStored
    {
        int rows = y.Shape.Rows, c = table.Shape[1], block = Math.Max(1, SimdBlock.Elements / Math.Max(1, c));
        Run(new EmbeddingJob<T, TPosition>
        {
            Ids = (int*)ids.Address,
            Table = (byte*)table.Address,
            Positions = positions,
            Y = (float*)y.Address,
            Tokens = ids.Shape[-1],
            Channels = c,
            Rows = rows,
            Block = block,
        }, SimdBlock.Count(rows, block));
    }

    struct EmbeddingJob<T, TPosition> : ISimdJob where T : struct, IStored where TPosition : struct, IStored
    {
        public int* Ids;
        public byte* Table, Positions;
        public float* Y;
        public int Tokens, Channels, Rows, Block;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            int c = Channels, w = S.Width, end = (int)Math.Min(Rows, ((long)index + 1) * Block);
            for (var row = index * Block; row < end; row++)
            {
                var from = Table + (long)Ids[row] * c * T.Bytes;
                var position = Positions == null ? null : Positions + (long)(row % Tokens) * c * TPosition.Bytes;
                var to = Y + (long)row * c;
                var i = 0;
                for (; i <= c - w; i += w)
                {
                    var value = T.Load<S, V>(from + i * T.Bytes);
                    S.Store(to + i, position == null ? value : S.Add(value, TPosition.Load<S, V>(position + i * TPosition.Bytes)));
                }
                for (; i < c; i++) to[i] = T.Load(from + i * T.Bytes) + (position == null ? 0 : TPosition.Load(position + i * TPosition.Bytes));
            }
        }
    }
}
