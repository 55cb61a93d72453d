using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void AdamW(Tensor parameter, Tensor gradient, Tensor m, Tensor v, Tensor? average, Tensor step, AdamWSettings settings)
    {
        var factors = step.AsSpan<float>();
        if (factors[4] == 0) return;
        Run(new AdamWJob
        {
            Parameter = (float*)parameter.Address,
            Gradient = (float*)gradient.Address,
            M = (float*)m.Address,
            V = (float*)v.Address,
            Average = average is { } running ? (float*)running.Address : null,
            Count = parameter.Elements,
            Factor = factors[0],
            Keep = factors[1],
            Root = factors[2],
            Size = factors[3],
            // torch computes its scalars in double, too, and rounds them when they meet a tensor.
            Mean = (float)(1 - settings.Beta1),
            Beta2 = (float)settings.Beta2,
            Square = (float)(1 - settings.Beta2),
            Epsilon = (float)settings.Epsilon,
            Stays = (float)settings.AverageDecay,
            Moves = (float)(1 - settings.AverageDecay),
        }, SimdBlock.Count(parameter.Elements, SimdBlock.Elements));
    }

    struct AdamWJob : ISimdJob
    {
        public float* Parameter, Gradient, M, V, Average;
        public long Count;
        public float Factor, Keep, Root, Size, Mean, Beta2, Square, Epsilon, Stays, Moves;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, W>(int index, int worker) where S : struct, ISimd<W> where W : unmanaged
        {
            long start = (long)index * SimdBlock.Elements, end = Math.Min(Count, start + SimdBlock.Elements);
            W factor = S.Create(Factor), keep = S.Create(Keep), mean = S.Create(Mean), beta2 = S.Create(Beta2), square = S.Create(Square);
            W root = S.Create(Root), epsilon = S.Create(Epsilon), size = S.Create(Size), stays = S.Create(Stays), moves = S.Create(Moves);
            for (var i = start; i < end; i += S.Width)
            {
                var left = end - i;
                var g = S.Mul(SimdBlock.Load<S, W>(Gradient + i, left), factor);
                var m = SimdBlock.Load<S, W>(M + i, left);
                m = S.Fma(mean, S.Sub(g, m), m);
                var v = S.Fma(S.Mul(square, g), g, S.Mul(beta2, SimdBlock.Load<S, W>(V + i, left)));
                var p = S.Mul(keep, SimdBlock.Load<S, W>(Parameter + i, left));
                p = S.FusedNegate(size, S.Div(m, S.Fma(S.Sqrt(v), root, epsilon)), p);
                SimdBlock.Store<S, W>(M + i, m, left);
                SimdBlock.Store<S, W>(V + i, v, left);
                SimdBlock.Store<S, W>(Parameter + i, p, left);
                if (Average == null) continue;
                var average = S.Add(S.Mul(stays, SimdBlock.Load<S, W>(Average + i, left)), S.Mul(moves, p));
                SimdBlock.Store<S, W>(Average + i, average, left);
            }
        }
    }
}
