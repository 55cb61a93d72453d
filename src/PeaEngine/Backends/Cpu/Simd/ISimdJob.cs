namespace PeaEngine.Backends;

/// <summary>An <see cref="IParallelJob"/> written once for every instruction set.</summary>
interface ISimdJob
{
    /// <summary>Runs one item.</summary>
    /// <param name="index">Which item.</param>
    /// <param name="worker">Which thread, from 0: the index of its workspace.</param>
    void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged;
}

/// <summary>A job bound to an instruction set.</summary>
struct BoundJob<TJob, S, V>(TJob job) : IParallelJob where TJob : struct, ISimdJob where S : struct, ISimd<V> where V : unmanaged
{
    TJob job = job;

    public void Run(int index, int worker) => job.Run<S, V>(index, worker);
}
