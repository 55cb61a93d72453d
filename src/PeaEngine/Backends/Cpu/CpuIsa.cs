using System.Runtime.Intrinsics.X86;

namespace PeaEngine.Backends;

/// <summary>Which instructions the CPU kernels use.</summary>
public enum CpuIsa
{
    /// <summary>128-bit vectors of whatever the processor has; runs everywhere.</summary>
    Portable,
    /// <summary>256-bit vectors with fused multiply-add.</summary>
    Avx2,
    /// <summary>512-bit vectors.</summary>
    Avx512,
}

/// <summary>The choice of instructions at run time.</summary>
public static class CpuIsas
{
    /// <summary>The environment switch that forces a path: <c>avx512</c>, <c>avx2</c> or <c>portable</c>.</summary>
    public const string Switch = "PEA_CPU";

    /// <summary>Whether this processor has the instructions.</summary>
    public static bool IsSupported(this CpuIsa isa) => isa switch
    {
        CpuIsa.Avx512 => Avx512F.IsSupported && Avx512BW.IsSupported && Avx512DQ.IsSupported,
        CpuIsa.Avx2 => Avx2.IsSupported && Fma.IsSupported,
        _ => true,
    };

    /// <summary>The widest supported path, or the one that <c>PEA_CPU</c> names.</summary>
    /// <exception cref="PeaException"><c>PEA_CPU</c> names none, or one this processor lacks.</exception>
    public static CpuIsa Choose()
    {
        var wanted = Environment.GetEnvironmentVariable(Switch);
        if (string.IsNullOrEmpty(wanted))
            return CpuIsa.Avx512.IsSupported() ? CpuIsa.Avx512 : CpuIsa.Avx2.IsSupported() ? CpuIsa.Avx2 : CpuIsa.Portable;
        var isa = wanted.ToLowerInvariant() switch
        {
            "avx512" => CpuIsa.Avx512,
            "avx2" => CpuIsa.Avx2,
            "portable" => CpuIsa.Portable,
            _ => throw new PeaException($"{Switch}={wanted}: expected avx512, avx2 or portable"),
        };
        return isa.IsSupported() ? isa : throw new PeaException($"{Switch}={wanted}: this processor lacks these instructions");
    }
}
