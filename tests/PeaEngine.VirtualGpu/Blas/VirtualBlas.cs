using PeaEngine.Cuda.Sys;
using PeaEngine.VirtualGpu.Driver;
using PeaEngine.VirtualGpu.Memory;

namespace PeaEngine.VirtualGpu.Blas;

/// <summary>The errors of cuBLASLt, and products as work of a stream.</summary>
static class VirtualBlas
{
    /// <summary>What products are called among the launches.</summary>
    public const string Name = "cublaslt";

    [ThreadStatic]
    static string? problem;

    /// <summary>What was wrong with the thread's last call, or null.</summary>
    public static string? Problem => problem;

    /// <summary>A call whose exceptions become the library's errors.</summary>
    public static cublasStatus Call(Action call)
    {
        problem = null;
        try
        {
            call();
            return cublasStatus.CUBLAS_STATUS_SUCCESS;
        }
        catch (Exception error) when (error is ArgumentException or HandleException or MemoryException)
        {
            problem = error.Message;
            return cublasStatus.CUBLAS_STATUS_INVALID_VALUE;
        }
    }

    public static void Expect(bool condition, string problem)
    {
        if (!condition) throw new ArgumentException(problem);
    }

    /// <summary>Checks a product and gives it to a stream.</summary>
    public static void Add(VirtualStream stream, Gemm gemm)
    {
        var context = stream.Context;
        lock (context.Gate)
        {
            Expect(gemm.Problem() is null, gemm.Problem() ?? "");
            foreach (var matrix in new[] { gemm.A, gemm.B, gemm.D }) context.Memory.Range((ulong)matrix.Address, matrix.Extent);
            if (gemm.Beta != 0) context.Memory.Range((ulong)gemm.C.Address, gemm.C.Extent);
            stream.Add(CUgraphNodeType.CU_GRAPH_NODE_TYPE_KERNEL, () =>
            {
                gemm.Run(context.Memory);
                context.Add(new LaunchRecord(Name, new((int)gemm.D.Rows, (int)gemm.D.Columns), new(1), 0, new()) { Factors = gemm.A.Type });
            });
        }
    }
}
