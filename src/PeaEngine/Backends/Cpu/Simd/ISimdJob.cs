using System.Runtime.Intrinsics;

namespace PeaEngine.Backends;

/// <summary>An <see cref="IParallelJob"/> written once for every instruction set.</summary>
interface ISimdJob
{
    /// <summary>Runs one item.</summary>
    /// <param name="index">Which item.</param>
    /// <param name="worker">Which thread, from 0: the index of its workspace.</param>
    void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged;
}

/// <summary>
/// A job bound to 512-bit vectors. One struct for each width, none generic in it: what names a vector type as its argument is not
/// compiled ahead of time, and so only the job's own method is left to the JIT compiler.
/// </summary>
readonly struct Job512<TJob>(TJob job) : IParallelJob where TJob : struct, ISimdJob
{
    public void Run(int index, int worker) => job.Run<Simd512, Vector512<float>>(index, worker);
}

/// <summary>A job bound to 256-bit vectors.</summary>
readonly struct Job256<TJob>(TJob job) : IParallelJob where TJob : struct, ISimdJob
{
    public void Run(int index, int worker) => job.Run<Simd256, Vector256<float>>(index, worker);
}

/// <summary>A job bound to 128-bit vectors.</summary>
readonly struct Job128<TJob>(TJob job) : IParallelJob where TJob : struct, ISimdJob
{
    public void Run(int index, int worker) => job.Run<Simd128, Vector128<float>>(index, worker);
}
