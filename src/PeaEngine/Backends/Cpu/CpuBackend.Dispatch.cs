namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <summary>Runs a job's items on all threads with the instructions of <see cref="Isa"/>: the one place where they are chosen.</summary>
    internal void Run<TJob>(TJob job, int items) where TJob : struct, ISimdJob
    {
        switch (Isa)
        {
            case CpuIsa.Avx512: RunBound(new Job512<TJob>(job), items); break;
            case CpuIsa.Avx2: RunBound(new Job256<TJob>(job), items); break;
            default: RunBound(new Job128<TJob>(job), items); break;
        }
    }

    void RunBound<TJob>(TJob job, int items) where TJob : struct, IParallelJob => workers.Run(ref job, items);
}
