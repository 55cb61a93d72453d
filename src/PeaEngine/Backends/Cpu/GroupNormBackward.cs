using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void GroupNormBackward(Tensor x, Tensor gamma, Tensor beta, Tensor dy, Tensor dx, int groups, float epsilon, bool silu,
        Tensor? dGamma = null, Tensor? dBeta = null)
    {
        if (x.Elements == 0) return;
        var plan = PlanGroupNorm(x, gamma, beta, groups, epsilon, rows: 6);
        int batch = x.Shape[0], items = batch * plan.Blocks;
        float* from = (float*)dy.Address, to = (float*)dx.Address;
        Run(new GroupNormMoments { Plan = plan }, items);
        Run(new GroupNormMerge { Plan = plan }, batch * groups);
        // From here on the blocks' moments are done with, and their place is that of the sums.
        if (silu) Run(new GroupNormBackwardSums<Yes> { Plan = plan, Dy = from }, items);
        else Run(new GroupNormBackwardSums<No> { Plan = plan, Dy = from }, items);
        Run(new GroupNormBackwardMerge { Plan = plan }, batch * groups);
        if (silu) Run(new GroupNormBackwardApply<Yes> { Plan = plan, Dy = from, Dx = to }, items);
        else Run(new GroupNormBackwardApply<No> { Plan = plan, Dy = from, Dx = to }, items);
        AddNormParameters(plan.Partials, items, plan.Channels, dGamma, dBeta);
    }

    /// <summary>The sums over one block of every channel's dz · (x − mean) and dz, where dz is the gradient before SiLU.</summary>
    struct GroupNormBackwardSums<TSilu> : ISimdJob where TSilu : struct, IFlag
    {
        public GroupNormPlan Plan;
        public float* Dy;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            int c = Plan.Channels, count = Plan.Length(index % Plan.Blocks);
            float* x = Plan.X + Plan.Start(index), dy = Dy + Plan.Start(index);
            float* scale = Plan.Sample(index / Plan.Blocks), shift = scale + c, mean = shift + c, products = Plan.Partials + 2L * index * c, sums = products + c;
            new Span<float>(products, 2 * c).Clear();
            for (var pixel = 0; pixel < count; pixel++, x += c, dy += c)
                for (var i = 0; i < c; i += S.Width)
                {
                    var left = c - i;
                    V value = SimdBlock.Load<S, V>(x + i, left), dz = SimdBlock.Load<S, V>(dy + i, left);
                    if (TSilu.Is) dz = BeforeSilu<S, V>(dz, value, scale + i, shift + i, left);
                    var deviation = S.Sub(value, SimdBlock.Load<S, V>(mean + i, left));
                    SimdBlock.Store<S, V>(products + i, S.Fma(dz, deviation, SimdBlock.Load<S, V>(products + i, left)), left);
                    SimdBlock.Store<S, V>(sums + i, S.Add(dz, SimdBlock.Load<S, V>(sums + i, left)), left);
                }
        }
    }

    /// <summary>What one group's channels share: dx = dz · scale + (x − mean) · fifth + sixth. The products become those with x̂, whose sum is gamma's gradient.</summary>
    struct GroupNormBackwardMerge : ISimdJob
    {
        public GroupNormPlan Plan;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            int c = Plan.Channels, per = c / Plan.Groups, batch = index / Plan.Groups, first = index % Plan.Groups * per;
            float* coefficients = Plan.Sample(batch) + first, gamma = Plan.Gamma + first;
            double total = (double)Plan.Pixels * per, rstd = coefficients[3L * c], product = 0, sum = 0;
            for (var block = 0; block < Plan.Blocks; block++)
            {
                float* products = Plan.Partials + 2L * (batch * Plan.Blocks + block) * c + first, sums = products + c;
                for (var i = 0; i < per; i++)
                {
                    product += (double)gamma[i] * products[i];
                    sum += (double)gamma[i] * sums[i];
                    products[i] = (float)(products[i] * rstd);
                }
            }
            new Span<float>(coefficients + 4L * c, per).Fill((float)(-rstd * rstd * rstd * product / total));
            new Span<float>(coefficients + 5L * c, per).Fill((float)(-rstd * sum / total));
        }
    }

    /// <summary>dx of one block.</summary>
    struct GroupNormBackwardApply<TSilu> : ISimdJob where TSilu : struct, IFlag
    {
        public GroupNormPlan Plan;
        public float* Dy, Dx;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            int c = Plan.Channels, count = Plan.Length(index % Plan.Blocks);
            float* x = Plan.X + Plan.Start(index), dy = Dy + Plan.Start(index), dx = Dx + Plan.Start(index);
            float* scale = Plan.Sample(index / Plan.Blocks), shift = scale + c, mean = shift + c, slope = mean + 2L * c, rest = slope + c;
            for (var pixel = 0; pixel < count; pixel++, x += c, dy += c, dx += c)
                for (var i = 0; i < c; i += S.Width)
                {
                    var left = c - i;
                    V value = SimdBlock.Load<S, V>(x + i, left), dz = SimdBlock.Load<S, V>(dy + i, left);
                    if (TSilu.Is) dz = BeforeSilu<S, V>(dz, value, scale + i, shift + i, left);
                    var deviation = S.Sub(value, SimdBlock.Load<S, V>(mean + i, left));
                    var shared = S.Fma(deviation, SimdBlock.Load<S, V>(slope + i, left), SimdBlock.Load<S, V>(rest + i, left));
                    SimdBlock.Store<S, V>(dx + i, S.Fma(dz, SimdBlock.Load<S, V>(scale + i, left), shared), left);
                }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V BeforeSilu<S, V>(V dy, V x, float* scale, float* shift, int left) where S : struct, ISimd<V> where V : unmanaged =>
        S.Mul(dy, VectorMath.Derivative<S, V>(S.Fma(x, SimdBlock.Load<S, V>(scale, left), SimdBlock.Load<S, V>(shift, left)), Activation.Silu, out _));
}
