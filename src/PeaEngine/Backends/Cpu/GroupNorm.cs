using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void GroupNorm(Tensor x, Tensor gamma, Tensor beta, Tensor y, int groups, float epsilon, bool silu)
    {
        if (x.Elements == 0) return;
        var plan = PlanGroupNorm(x, gamma, beta, groups, epsilon, rows: 2);
        int batch = x.Shape[0], items = batch * plan.Blocks;
        Run(new GroupNormMoments { Plan = plan }, items);
        Run(new GroupNormMerge { Plan = plan }, batch * groups);
        if (silu) Run(new GroupNormApply<Yes> { Plan = plan, Y = (float*)y.Address }, items);
        else Run(new GroupNormApply<No> { Plan = plan, Y = (float*)y.Address }, items);
    }

    GroupNormPlan PlanGroupNorm(Tensor x, Tensor gamma, Tensor beta, int groups, float epsilon, int rows)
    {
        int batch = x.Shape[0], c = x.Shape[-1], pixels = checked((int)(x.Elements / batch / c));
        // The blocks follow from the shape alone, never from the threads: the sums are the same bits for any number of them.
        int block = Math.Max(1, 2 * SimdBlock.Elements / c), blocks = SimdBlock.Count(pixels, block);
        var partials = 2L * batch * blocks * c;
        var scratch = (float*)workspaces[0].Get((partials + (long)rows * batch * c) * sizeof(float));
        return new()
        {
            X = (float*)x.Address,
            Gamma = (float*)gamma.Address,
            Beta = (float*)beta.Address,
            Partials = scratch,
            Coefficients = scratch + partials,
            Rows = rows,
            Pixels = pixels,
            Channels = c,
            Groups = groups,
            Block = block,
            Blocks = blocks,
            Epsilon = epsilon,
        };
    }

    /// <summary>Compile-time answer: the JIT drops what the other one would need.</summary>
    interface IFlag
    {
        static abstract bool Is { get; }
    }

    readonly struct Yes : IFlag
    {
        public static bool Is => true;
    }

    readonly struct No : IFlag
    {
        public static bool Is => false;
    }

    struct GroupNormPlan
    {
        /// <summary>[B, pixels, C]</summary>
        public float* X;

        /// <summary>[C]</summary>
        public float* Gamma, Beta;

        /// <summary>[B, blocks, 2, C]: mean of each channel in a block of pixels, and the sum of squared deviations from it.</summary>
        public float* Partials;

        /// <summary>[B, Rows, C]: y = x · first + second; backward the group's mean and 1/σ follow, then two rows of its own.</summary>
        public float* Coefficients;

        public int Rows, Pixels, Channels, Groups, Block, Blocks;
        public float Epsilon;

        /// <summary>Pixels of a block: the last one of a picture may be shorter.</summary>
        public readonly int Length(int block) => Math.Min(Block, Pixels - block * Block);

        /// <summary>The first row of coefficients of a sample.</summary>
        public readonly float* Sample(int batch) => Coefficients + (long)batch * Rows * Channels;

        /// <summary>The first element of an item's block.</summary>
        public readonly long Start(int index) => ((long)(index / Blocks) * Pixels + (long)(index % Blocks) * Block) * Channels;
    }

    /// <summary>Mean and squared deviations of every channel in one block.</summary>
    struct GroupNormMoments : ISimdJob
    {
        public GroupNormPlan Plan;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            int c = Plan.Channels, count = Plan.Length(index % Plan.Blocks), w = S.Width, i = 0;
            float* x = Plan.X + Plan.Start(index), means = Plan.Partials + 2L * index * c, squares = means + c;
            V n = S.Create(count), rn = S.Div(S.Create(1), n);
            for (; i <= c - 4 * w; i += 4 * w)
            {
                // Deviations from the first pixel: near enough to the mean that the difference of squares below keeps its digits.
                var p = x + i;
                V k0 = S.Load(p), k1 = S.Load(p + w), k2 = S.Load(p + 2 * w), k3 = S.Load(p + 3 * w);
                V s0 = S.Create(0), s1 = s0, s2 = s0, s3 = s0, q0 = s0, q1 = s0, q2 = s0, q3 = s0;
                for (var pixel = 1; pixel < count; pixel++)
                {
                    p += c;
                    V d0 = S.Sub(S.Load(p), k0), d1 = S.Sub(S.Load(p + w), k1), d2 = S.Sub(S.Load(p + 2 * w), k2), d3 = S.Sub(S.Load(p + 3 * w), k3);
                    s0 = S.Add(s0, d0);
                    s1 = S.Add(s1, d1);
                    s2 = S.Add(s2, d2);
                    s3 = S.Add(s3, d3);
                    q0 = S.Fma(d0, d0, q0);
                    q1 = S.Fma(d1, d1, q1);
                    q2 = S.Fma(d2, d2, q2);
                    q3 = S.Fma(d3, d3, q3);
                }
                Finish<S, V>(means + i, squares + i, w, k0, s0, q0, rn);
                Finish<S, V>(means + i + w, squares + i + w, w, k1, s1, q1, rn);
                Finish<S, V>(means + i + 2 * w, squares + i + 2 * w, w, k2, s2, q2, rn);
                Finish<S, V>(means + i + 3 * w, squares + i + 3 * w, w, k3, s3, q3, rn);
            }
            for (; i < c; i += w)
            {
                var p = x + i;
                var left = c - i;
                V k = SimdBlock.Load<S, V>(p, left), s = S.Create(0), q = s;
                for (var pixel = 1; pixel < count; pixel++)
                {
                    p += c;
                    var d = S.Sub(SimdBlock.Load<S, V>(p, left), k);
                    s = S.Add(s, d);
                    q = S.Fma(d, d, q);
                }
                Finish<S, V>(means + i, squares + i, left, k, s, q, rn);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Finish<S, V>(float* mean, float* squares, int left, V shift, V sum, V square, V rn) where S : struct, ISimd<V> where V : unmanaged
        {
            var d = S.Mul(sum, rn);
            SimdBlock.Store<S, V>(mean, S.Add(shift, d), left);
            SimdBlock.Store<S, V>(squares, S.Max(S.FusedNegate(sum, d, square), S.Create(0)), left);
        }
    }

    /// <summary>The statistics of one group from its channels' in every block (Chan, Golub, LeVeque 1983), in double and always in the same order.</summary>
    struct GroupNormMerge : ISimdJob
    {
        public GroupNormPlan Plan;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            int c = Plan.Channels, per = c / Plan.Groups, batch = index / Plan.Groups, first = index % Plan.Groups * per;
            var partials = Plan.Partials + 2L * batch * Plan.Blocks * c + first;
            double total = (double)Plan.Pixels * per, mean = 0, squares = 0;
            for (var block = 0; block < Plan.Blocks; block++)
            {
                double sum = 0;
                for (var i = 0; i < per; i++) sum += partials[2L * block * c + i];
                mean += sum * Plan.Length(block);
            }
            mean /= total;
            for (var block = 0; block < Plan.Blocks; block++)
            {
                double within = 0, between = 0;
                for (var i = 0; i < per; i++)
                {
                    var d = partials[2L * block * c + i] - mean;
                    between += d * d;
                    within += partials[(2L * block + 1) * c + i];
                }
                squares += within + between * Plan.Length(block);
            }
            var rstd = 1 / Math.Sqrt(squares / total + Plan.Epsilon);
            float* scale = Plan.Sample(batch), shift = scale + c;
            for (var i = first; i < first + per; i++)
            {
                var a = Plan.Gamma[i] * rstd;
                scale[i] = (float)a;
                shift[i] = (float)(Plan.Beta[i] - mean * a);
            }
            if (Plan.Rows == 2) return;
            new Span<float>(scale + 2 * c + first, per).Fill((float)mean);
            new Span<float>(scale + 3 * c + first, per).Fill((float)rstd);
        }
    }

    /// <summary>y of one block.</summary>
    struct GroupNormApply<TSilu> : ISimdJob where TSilu : struct, IFlag
    {
        public GroupNormPlan Plan;
        public float* Y;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            int c = Plan.Channels, count = Plan.Length(index % Plan.Blocks), w = S.Width;
            float* x = Plan.X + Plan.Start(index), y = Y + Plan.Start(index), scale = Plan.Sample(index / Plan.Blocks), shift = scale + c;
            for (var pixel = 0; pixel < count; pixel++, x += c, y += c)
                for (var i = 0; i < c; i += w)
                {
                    var left = c - i;
                    var value = S.Fma(SimdBlock.Load<S, V>(x + i, left), SimdBlock.Load<S, V>(scale + i, left), SimdBlock.Load<S, V>(shift + i, left));
                    SimdBlock.Store<S, V>(y + i, TSilu.Is ? VectorMath.Silu<S, V>(value) : value, left);
                }
        }
    }
}
