using System.Runtime.Intrinsics;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <summary>Runs a job's items on all threads with the instructions of <see cref="Isa"/>: the one place where they are chosen.</summary>
    internal void Run<TJob>(TJob job, int items) where TJob : struct, ISimdJob
    {
        switch (Isa)
        {
            case CpuIsa.Avx512: RunWith<TJob, Simd512, Vector512<float>>(job, items); break;
            case CpuIsa.Avx2: RunWith<TJob, Simd256, Vector256<float>>(job, items); break;
            default: RunWith<TJob, Simd128, Vector128<float>>(job, items); break;
        }
    }

    void RunWith<TJob, S, V>(TJob job, int items) where TJob : struct, ISimdJob where S : struct, ISimd<V> where V : unmanaged
    {
        var bound = new BoundJob<TJob, S, V>(job);
        workers.Run(ref bound, items);
    }
}
