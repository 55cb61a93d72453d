using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using PeaEngine.Backends;
using PeaEngine.Train.Processes;

namespace PeaEngine.Cli;

/// <summary>What <c>pea doctor</c> shows, in order.</summary>
static class MachineFacts
{
    /// <summary>Name and value of each fact.</summary>
    public static IReadOnlyList<(string Name, string Value)> Collect()
    {
        return
        [
            ("version", typeof(MachineFacts).Assembly.GetName().Version?.ToString(3) ?? "unknown"),
            ("runtime", RuntimeInformation.FrameworkDescription),
            ("system", $"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}"),
            ("processor", ProcessorName()),
            ("threads", Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture)),
            ("features", string.Join(' ', Features())),
            ("kernels", Kernels()),
            ("memory", string.Create(CultureInfo.InvariantCulture, $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1L << 30):0.0} GiB")),
            ("mpi", Mpi()),
            .. Device.CudaFacts(),
        ];
    }

    static string Kernels()
    {
        try
        {
            return $"{CpuIsas.Choose()}, {CpuIsas.Switch}={Environment.GetEnvironmentVariable(CpuIsas.Switch) ?? "(unset)"}";
        }
        catch (PeaException e)
        {
            return e.Message;
        }
    }

    static string Mpi()
    {
        try
        {
            return ProcessGroup.MpiVersion() ?? "not found: training is by one process";
        }
        catch (PeaException e)
        {
            return e.Message;
        }
    }

    static IEnumerable<string> Features()
    {
        if (Sse42.IsSupported) yield return "sse4.2";
        if (Avx.IsSupported) yield return "avx";
        if (Avx2.IsSupported) yield return "avx2";
        if (Fma.IsSupported) yield return "fma";
        if (Avx512F.IsSupported) yield return "avx512f";
        if (Avx512BW.IsSupported) yield return "avx512bw";
        if (Avx512DQ.IsSupported) yield return "avx512dq";
        if (System.Runtime.Intrinsics.Arm.AdvSimd.IsSupported) yield return "neon";
    }

    static string ProcessorName()
    {
        const string Information = "/proc/cpuinfo";
        var line = File.Exists(Information) ? File.ReadLines(Information).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim() ?? Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? "unknown";
    }
}
