using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Activate(Tensor x, Tensor y, Activation activation) => Run(
        new ActivateJob { X = (float*)x.Address, Y = (float*)y.Address, Count = x.Elements, Activation = activation },
        SimdBlock.Count(x.Elements, SimdBlock.Elements));

    struct ActivateJob : ISimdJob
    {
        public float* X, Y;
        public long Count;
        public Activation Activation;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            long start = (long)index * SimdBlock.Elements, end = Math.Min(Count, start + SimdBlock.Elements);
            for (var i = start; i < end; i += S.Width)
                SimdBlock.Store<S, V>(Y + i, VectorMath.Activate<S, V>(SimdBlock.Load<S, V>(X + i, end - i), Activation), end - i);
        }
    }
}
