using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void GateBackward(Tensor h, Tensor dy, Tensor dh, Activation activation)
    {
        int rows = dy.Shape.Rows, n = dy.Shape[-1], block = Math.Max(1, SimdBlock.Elements / Math.Max(1, n));
        Run(new GateBackwardJob
        {
            H = (float*)h.Address,
            Dy = (float*)dy.Address,
            Dh = (float*)dh.Address,
            Rows = rows,
            Columns = n,
            Block = block,
            Activation = activation,
        }, SimdBlock.Count(rows, block));
    }

    struct GateBackwardJob : ISimdJob
    {
        public float* H, Dy, Dh;
        public int Rows, Columns, Block;
        public Activation Activation;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            var end = Math.Min(Rows, ((long)index + 1) * Block);
            for (var row = (long)index * Block; row < end; row++)
            {
                float* values = H + row * 2 * Columns, gates = values + Columns, dy = Dy + row * Columns, dValues = Dh + row * 2 * Columns, dGates = dValues + Columns;
                for (var i = 0; i < Columns; i += S.Width)
                {
                    var left = Columns - i;
                    V d = SimdBlock.Load<S, V>(dy + i, left), value = SimdBlock.Load<S, V>(values + i, left);
                    var slope = VectorMath.Derivative<S, V>(SimdBlock.Load<S, V>(gates + i, left), Activation, out var gate);
                    SimdBlock.Store<S, V>(dValues + i, S.Mul(d, gate), left);
                    SimdBlock.Store<S, V>(dGates + i, S.Mul(S.Mul(d, value), slope), left);
                }
            }
        }
    }
}
