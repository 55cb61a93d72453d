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
            if (To == DType.F32)
            {
                var y = (float*)Y + start;
                var i = 0;
                for (; i <= count - S.Width; i += S.Width) S.Store(y + i, T.Load<S, V>(x + i * T.Bytes));
                if (i < count) S.Store(y + i, T.Load<S, V>(x + i * T.Bytes, count - i), count - i);
            }
            else
            {
                var y = (ushort*)Y + start;
                for (var i = 0; i < count; i++)
                {
                    var value = T.Load(x + i * T.Bytes);
                    y[i] = To == DType.F16 ? BitConverter.HalfToUInt16Bits((Half)value) : RoundToBFloat16(value);
                }
            }
        }

        // Nearest, ties to even; NaN stays NaN whatever its lower bits are.
        static ushort RoundToBFloat16(float value)
        {
            var bits = BitConverter.SingleToUInt32Bits(value);
            return float.IsNaN(value) ? (ushort)(bits >> 16 | 0x40) : (ushort)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
        }
    }
}
