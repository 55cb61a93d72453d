using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using PeaEngine.Backends;

namespace PeaEngine.Cli;

/// <summary>What <c>pea doctor</c> shows, in order.</summary>
static class MachineFacts
{
    static readonly string[] GpuLibraries = OperatingSystem.IsWindows()
        ? ["nvcuda.dll", "nvrtc64_130_0.dll", "nvrtc64_120_0.dll", "nvrtc64_112_0.dll", "cublas64_13.dll", "cublas64_12.dll", "cublas64_11.dll"]
        : ["libcuda.so.1", "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libcublas.so.13", "libcublas.so.12", "libcublas.so.11"];

    /// <summary>Name and value of each fact.</summary>
    public static IReadOnlyList<(string Name, string Value)> Collect()
    {
        List<(string, string)> facts =
        [
            ("version", typeof(MachineFacts).Assembly.GetName().Version?.ToString(3) ?? "unknown"),
            ("runtime", RuntimeInformation.FrameworkDescription),
            ("system", $"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}"),
            ("processor", ProcessorName()),
            ("threads", Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture)),
            ("features", string.Join(' ', Features())),
            ("kernels", Kernels()),
            ("memory", string.Create(CultureInfo.InvariantCulture, $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1L << 30):0.0} GiB")),
            ("gpu", "not used: this version computes on the CPU only"),
        ];
        foreach (var library in GpuLibraries) facts.Add((library, Probe(library)));
        return facts;
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

    static string Probe(string library)
    {
        if (!NativeLibrary.TryLoad(library, out var handle)) return "not found";
        NativeLibrary.Free(handle);
        return "found";
    }
}
