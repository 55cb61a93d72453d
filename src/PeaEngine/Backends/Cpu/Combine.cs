using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Combine(Tensor y, params ReadOnlySpan<Term> terms)
    {
        if (terms.Length is < 1 or > CombineJob.MaxTerms) throw new PeaException($"combine: {terms.Length} terms, expected 1 to {CombineJob.MaxTerms}");
        var job = new CombineJob { Y = (float*)y.Address, Count = y.Elements, Terms = terms.Length };
        for (var i = 0; i < terms.Length; i++)
        {
            job.Coefficients[i] = terms[i].Coefficient;
            job.Sources[i] = terms[i].Tensor.Address;
        }
        Run(job, SimdBlock.Count(y.Elements, SimdBlock.Elements));
    }

    /// <summary>Products and sums are rounded one by one, as the reference's separate tensor operations round them.</summary>
    struct CombineJob : ISimdJob
    {
        public const int MaxTerms = 8;

        public float* Y;
        public long Count;
        public int Terms;
        public fixed float Coefficients[MaxTerms];
        public fixed long Sources[MaxTerms];

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            long start = (long)index * SimdBlock.Elements, end = Math.Min(Count, start + SimdBlock.Elements);
            for (var i = start; i < end; i += S.Width)
            {
                var left = end - i;
                var sum = S.Mul(S.Create(Coefficients[0]), SimdBlock.Load<S, V>((float*)Sources[0] + i, left));
                for (var t = 1; t < Terms; t++)
                    sum = S.Add(sum, S.Mul(S.Create(Coefficients[t]), SimdBlock.Load<S, V>((float*)Sources[t] + i, left)));
                SimdBlock.Store<S, V>(Y + i, sum, left);
            }
        }
    }
}
