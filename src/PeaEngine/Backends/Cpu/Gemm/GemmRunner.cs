namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    void Multiply<TRows>(TRows source, GemmWeights weights, GemmEpilogue epilogue, int rows) where TRows : struct, IGemmRows
    {
        switch (Isa)
        {
            case CpuIsa.Avx512:
                Multiply<TRows, GemmAvx512, Simd512, System.Runtime.Intrinsics.Vector512<float>>(source, weights, epilogue, rows);
                break;
            case CpuIsa.Avx2:
                Multiply<TRows, GemmAvx2, Simd256, System.Runtime.Intrinsics.Vector256<float>>(source, weights, epilogue, rows);
                break;
            default:
                Multiply<TRows, GemmPortable, Simd128, System.Runtime.Intrinsics.Vector128<float>>(source, weights, epilogue, rows);
                break;
        }
    }

    void Multiply<TRows, G, S, V>(TRows source, GemmWeights weights, GemmEpilogue epilogue, int rows)
        where TRows : struct, IGemmRows where G : struct, IGemmKernel where S : struct, ISimd<V> where V : unmanaged
    {
        var parts = epilogue.Gated ? 2 : 1;
        var plan = new GemmPlan(rows, weights.Count / parts, weights.Length, parts, Threads, G.Rows, G.Columns);
        var job = new GemmJob<TRows, G, S, V>(source, weights, epilogue, rows, plan, workspaces);
        workers.Run(ref job, plan.Tasks);
    }
}
