using System.Runtime.Intrinsics;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <summary>Weights of a small product: less than it takes to wake a thread.</summary>
    const long SmallProduct = 1 << 15;

    /// <summary>x · weightsᵀ for x [rows, K].</summary>
    void MultiplyMatrix(float* x, int rows, WeightColumns weights, GemmEpilogue epilogue)
    {
        if (rows > DotJob<StoredF32, Simd128, Vector128<float>>.MaxRows)
        {
            Multiply(new MatrixRows(x, weights.Length), weights, epilogue, rows);
            return;
        }
        switch (Isa)
        {
            case CpuIsa.Avx512: Dot<Simd512, Vector512<float>>(x, rows, weights, epilogue); break;
            case CpuIsa.Avx2: Dot<Simd256, Vector256<float>>(x, rows, weights, epilogue); break;
            default: Dot<Simd128, Vector128<float>>(x, rows, weights, epilogue); break;
        }
    }

    void Multiply<TRows, TColumns>(TRows source, TColumns weights, GemmEpilogue epilogue, int rows) where TRows : struct, IGemmRows where TColumns : struct, IGemmColumns
    {
        switch (KernelFor(weights.Count))
        {
            case CpuIsa.Avx512: Multiply<TRows, TColumns, GemmAvx512, Simd512, Vector512<float>>(source, weights, epilogue, rows); break;
            case CpuIsa.Avx2: Multiply<TRows, TColumns, GemmAvx2, Simd256, Vector256<float>>(source, weights, epilogue, rows); break;
            default: Multiply<TRows, TColumns, GemmPortable, Simd128, Vector128<float>>(source, weights, epilogue, rows); break;
        }
    }

    /// <summary>The instructions to multiply so few columns with: those of a picture's colours would leave most of a wide tile empty.</summary>
    CpuIsa KernelFor(int columns) => Isa == CpuIsa.Avx512 && columns <= GemmAvx2.Columns && CpuIsa.Avx2.IsSupported() ? CpuIsa.Avx2 : Isa;

    void Multiply<TRows, TColumns, G, S, V>(TRows source, TColumns weights, GemmEpilogue epilogue, int rows)
        where TRows : struct, IGemmRows where TColumns : struct, IGemmColumns where G : struct, IGemmKernel where S : struct, ISimd<V> where V : unmanaged
    {
        var parts = epilogue.Gated ? 2 : 1;
        var plan = new GemmPlan(rows, weights.Count / parts, weights.Length, parts, Threads, G.Rows, G.Columns);
        var job = new GemmJob<TRows, TColumns, G, S, V>(source, weights, epilogue, rows, plan, workspaces);
        workers.Run(ref job, plan.Tasks);
    }

    void Dot<S, V>(float* x, int rows, WeightColumns weights, GemmEpilogue epilogue) where S : struct, ISimd<V> where V : unmanaged
    {
        switch (weights.DType)
        {
            case DType.F32: Dot<StoredF32, S, V>(x, rows, weights, epilogue); break;
            case DType.F16: Dot<StoredF16, S, V>(x, rows, weights, epilogue); break;
            default: Dot<StoredBF16, S, V>(x, rows, weights, epilogue); break;
        }
    }

    void Dot<T, S, V>(float* x, int rows, WeightColumns weights, GemmEpilogue epilogue) where T : struct, IStored where S : struct, ISimd<V> where V : unmanaged
    {
        var job = new DotJob<T, S, V>(x, rows, weights, epilogue);
        var items = (weights.Count / (epilogue.Gated ? 2 : 1) + DotJob<T, S, V>.Columns - 1) / DotJob<T, S, V>.Columns;
        if ((long)weights.Count * weights.Length > SmallProduct) workers.Run(ref job, items);
        else for (var i = 0; i < items; i++) job.Run(i, 0);
    }
}
