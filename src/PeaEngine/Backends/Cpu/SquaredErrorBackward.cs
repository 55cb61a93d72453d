using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void SquaredErrorBackward(Tensor a, Tensor b, Tensor scale, Tensor dx, bool add)
    {
        if (a.Elements == 0) return;
        var batch = a.Shape[0];
        var size = a.Elements / batch;
        var blocks = SimdBlock.Count(size, SimdBlock.Elements);
        Run(new SquaredErrorBackwardJob
        {
            A = (float*)a.Address,
            B = (float*)b.Address,
            Scale = (float*)scale.Address,
            Dx = (float*)dx.Address,
            Size = size,
            Blocks = blocks,
            Add = add,
        }, checked(batch * blocks));
    }

    /// <summary>One block of a sample.</summary>
    struct SquaredErrorBackwardJob : ISimdJob
    {
        public float* A, B, Scale, Dx;
        public long Size;
        public int Blocks;
        public bool Add;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            var sample = index / Blocks;
            long start = (long)(index % Blocks) * SimdBlock.Elements, count = Math.Min(SimdBlock.Elements, Size - start), at = sample * Size + start;
            float* a = A + at, b = B + at, dx = Dx + at;
            var factor = S.Create((float)(2.0 * Scale[sample] / Size));
            for (long i = 0; i < count; i += S.Width)
            {
                var left = count - i;
                var d = S.Sub(SimdBlock.Load<S, V>(a + i, left), SimdBlock.Load<S, V>(b + i, left));
                SimdBlock.Store<S, V>(dx + i, Add ? S.Fma(d, factor, SimdBlock.Load<S, V>(dx + i, left)) : S.Mul(d, factor), left);
            }
        }
    }
}
