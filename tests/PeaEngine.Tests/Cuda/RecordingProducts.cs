using System.Runtime.InteropServices;
using PeaEngine.Cuda.Sys;

namespace PeaEngine.Tests.Cuda;

/// <summary>A cuBLASLt that computes nothing: it remembers what was called, gives handles by number, and fails where a test wants it to.</summary>
sealed unsafe class RecordingProducts
{
    static readonly nint Text = Marshal.StringToCoTaskMemUTF8("as the library puts it");

    readonly List<Delegate> alive = [];
    int handles;

    delegate nint Entry(nint* a, nint b, nint c, nint d, nint e, nint f, nint g, int room, cublasLtMatmulHeuristicResult* results, int* count);

    /// <summary>Names in the order of the calls.</summary>
    public List<string> Calls { get; } = [];

    /// <summary>What fails, and how.</summary>
    public Dictionary<string, cublasStatus> Failures { get; } = [];

    /// <summary>How many algorithms a search finds.</summary>
    public int Algorithms { get; set; } = 1;

    /// <summary>The table.</summary>
    public CuBlasLt Table() => new(name =>
    {
        Entry entry = (a, _, _, _, _, _, _, _, results, count) =>
        {
            if (name == nameof(CuBlasLt.cublasLtGetStatusString)) return Text;
            Calls.Add(name);
            if (Failures.TryGetValue(name, out var failure)) return (nint)failure;
            if (name.EndsWith("Create", StringComparison.Ordinal)) *a = ++handles;
            if (name == nameof(CuBlasLt.cublasLtMatmulAlgoGetHeuristic)) (*results, *count) = (default, Algorithms);
            return 0;
        };
        alive.Add(entry);
        return Marshal.GetFunctionPointerForDelegate(entry);
    });
}
