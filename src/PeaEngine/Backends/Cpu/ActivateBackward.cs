using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void ActivateBackward(Tensor x, Tensor dy, Tensor dx, Activation activation) => Run(
        new ActivateBackwardJob { X = (float*)x.Address, Dy = (float*)dy.Address, Dx = (float*)dx.Address, Count = x.Elements, Activation = activation },
        SimdBlock.Count(x.Elements, SimdBlock.Elements));

    struct ActivateBackwardJob : ISimdJob
    {
        public float* X, Dy, Dx;
        public long Count;
        public Activation Activation;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            long start = (long)index * SimdBlock.Elements, end = Math.Min(Count, start + SimdBlock.Elements);
            for (var i = start; i < end; i += S.Width)
            {
                var slope = VectorMath.Derivative<S, V>(SimdBlock.Load<S, V>(X + i, end - i), Activation, out _);
                SimdBlock.Store<S, V>(Dx + i, S.Mul(SimdBlock.Load<S, V>(Dy + i, end - i), slope), end - i);
            }
        }
    }
}
