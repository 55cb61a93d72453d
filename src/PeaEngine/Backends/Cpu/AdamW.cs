using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void AdamW(Tensor parameter, Tensor gradient, Tensor m, Tensor v, AdamWStep step) =>
        Run(new AdamWJob
        {
            Parameter = (float*)parameter.Address,
            Gradient = (float*)gradient.Address,
            M = (float*)m.Address,
            V = (float*)v.Address,
            Count = parameter.Elements,
            // torch computes its scalars in double, too, and rounds them when they meet a tensor.
            Scale = (float)step.GradientScale,
            Keep = (float)(1 - step.LearningRate * step.WeightDecay),
            Mean = (float)(1 - step.Beta1),
            Beta2 = (float)step.Beta2,
            Square = (float)(1 - step.Beta2),
            Root = (float)(1 / Math.Sqrt(step.BiasCorrection2)),
            Epsilon = (float)step.Epsilon,
            Size = (float)(step.LearningRate / step.BiasCorrection1),
        }, SimdBlock.Count(parameter.Elements, SimdBlock.Elements));

    struct AdamWJob : ISimdJob
    {
        public float* Parameter, Gradient, M, V;
        public long Count;
        public float Scale, Keep, Mean, Beta2, Square, Root, Epsilon, Size;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, W>(int index, int worker) where S : struct, ISimd<W> where W : unmanaged
        {
            long start = (long)index * SimdBlock.Elements, end = Math.Min(Count, start + SimdBlock.Elements);
            W scale = S.Create(Scale), keep = S.Create(Keep), mean = S.Create(Mean), beta2 = S.Create(Beta2), square = S.Create(Square);
            W root = S.Create(Root), epsilon = S.Create(Epsilon), size = S.Create(Size);
            for (var i = start; i < end; i += S.Width)
            {
                var left = end - i;
                var g = S.Mul(SimdBlock.Load<S, W>(Gradient + i, left), scale);
                var m = SimdBlock.Load<S, W>(M + i, left);
                m = S.Fma(mean, S.Sub(g, m), m);
                var v = S.Fma(S.Mul(square, g), g, S.Mul(beta2, SimdBlock.Load<S, W>(V + i, left)));
                var p = S.Mul(keep, SimdBlock.Load<S, W>(Parameter + i, left));
                p = S.FusedNegate(size, S.Div(m, S.Fma(S.Sqrt(v), root, epsilon)), p);
                SimdBlock.Store<S, W>(M + i, m, left);
                SimdBlock.Store<S, W>(V + i, v, left);
                SimdBlock.Store<S, W>(Parameter + i, p, left);
            }
        }
    }
}
