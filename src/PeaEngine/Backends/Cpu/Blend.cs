using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Blend(Tensor a, Tensor b, Tensor mask, Tensor y) => Run(
        new BlendJob { A = (float*)a.Address, B = (float*)b.Address, Mask = (float*)mask.Address, Y = (float*)y.Address, Count = y.Elements },
        SimdBlock.Count(y.Elements, SimdBlock.Elements));

    /// <summary>Products and sums are rounded one by one, as the reference's separate tensor operations round them.</summary>
    struct BlendJob : ISimdJob
    {
        public float* A, B, Mask, Y;
        public long Count;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            long start = (long)index * SimdBlock.Elements, end = Math.Min(Count, start + SimdBlock.Elements);
            for (var i = start; i < end; i += S.Width)
            {
                var left = end - i;
                var mask = SimdBlock.Load<S, V>(Mask + i, left);
                var kept = S.Mul(SimdBlock.Load<S, V>(A + i, left), S.Sub(S.Create(1), mask));
                SimdBlock.Store<S, V>(Y + i, S.Add(kept, S.Mul(SimdBlock.Load<S, V>(B + i, left), mask)), left);
            }
        }
    }
}
