using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <summary>Adds a norm's partial sums up to the gradients of its parameters, where those are asked for.</summary>
    /// <param name="partials">[blocks, 2, C]: sums of dy · x̂, and of dy.</param>
    /// <param name="blocks">How many there are; which rows they hold follows from the shape alone.</param>
    /// <param name="c">Channels.</param>
    /// <param name="dGamma">[C], added to.</param>
    /// <param name="dBeta">[C], added to.</param>
    void AddNormParameters(float* partials, int blocks, int c, Tensor? dGamma, Tensor? dBeta)
    {
        if (dGamma is { } gamma) Run(new NormParametersJob { Partials = partials, To = (float*)gamma.Address, Blocks = blocks, Channels = c }, SimdBlock.Count(c, NormParametersJob.Columns));
        if (dBeta is { } beta) Run(new NormParametersJob { Partials = partials + c, To = (float*)beta.Address, Blocks = blocks, Channels = c }, SimdBlock.Count(c, NormParametersJob.Columns));
    }

    /// <summary>Some channels: their blocks' sums in double and always in the same order.</summary>
    struct NormParametersJob : ISimdJob
    {
        public const int Columns = 64;

        public float* Partials, To;
        public int Blocks, Channels;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            int first = index * Columns, columns = Math.Min(Columns, Channels - first);
            var sums = stackalloc double[Columns];
            new Span<double>(sums, Columns).Clear();
            var from = Partials + first;
            for (var block = 0; block < Blocks; block++, from += 2L * Channels)
                for (var i = 0; i < columns; i++) sums[i] += from[i];
            for (var i = 0; i < columns; i++) To[first + i] += (float)sums[i];
        }
    }
}
