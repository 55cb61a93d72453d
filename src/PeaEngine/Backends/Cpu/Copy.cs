using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Copy(Tensor x, Tensor y)
    {
        var items = SimdBlock.Count(x.Elements, SimdBlock.Elements);
        if (x.DType == y.DType) Run(new CopyJob { X = (byte*)x.Address, Y = (byte*)y.Address, Bytes = x.Bytes }, SimdBlock.Count(x.Bytes, CopyJob.Block));
        else if (x.DType == DType.F16) Run(new ConvertJob<StoredF16> { X = (byte*)x.Address, Y = (byte*)y.Address, To = y.DType, Count = x.Elements }, items);
        else if (x.DType == DType.BF16) Run(new ConvertJob<StoredBF16> { X = (byte*)x.Address, Y = (byte*)y.Address, To = y.DType, Count = x.Elements }, items);
        else Run(new ConvertJob<StoredF32> { X = (byte*)x.Address, Y = (byte*)y.Address, To = y.DType, Count = x.Elements }, items);
    }

    struct CopyJob : ISimdJob
    {
        public const int Block = 1 << 18;

        public byte* X, Y;
        public long Bytes;

        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            var start = (long)index * Block;
            new ReadOnlySpan<byte>(X + start, (int)Math.Min(Block, Bytes - start)).CopyTo(new(Y + start, Block));
        }
    }

    struct ConvertJob<T> : ISimdJob where T : struct, IStored
    {
        public byte* X, Y;
        public DType To;
        public long Count;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            var start = (long)index * SimdBlock.Elements;
            var count = (int)Math.Min(SimdBlock.Elements, Count - start);
            var x = X + start * T.Bytes;
            var y = Y + start * To.SizeInBytes();
            var i = 0;
            for (; i <= count - S.Width; i += S.Width) Store<S, V>(y, i, T.Load<S, V>(x + i * T.Bytes));
            if (i == count) return;
            var rest = stackalloc float[16];
            Store<S, V>((byte*)rest, 0, T.Load<S, V>(x + i * T.Bytes, count - i));
            var size = To.SizeInBytes();
            new ReadOnlySpan<byte>(rest, (count - i) * size).CopyTo(new(y + i * size, (count - i) * size));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        readonly void Store<S, V>(byte* y, int at, V value) where S : struct, ISimd<V> where V : unmanaged
        {
            if (To == DType.F32) S.Store((float*)y + at, value);
            else if (To == DType.F16) S.StoreF16((ushort*)y + at, value);
            else S.StoreBF16((ushort*)y + at, value);
        }
    }
}
