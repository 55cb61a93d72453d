namespace PeaEngine.Cuda;

/// <summary>What a kernel is compiled for.</summary>
/// <param name="Architecture">80 for compute capability 8.0.</param>
/// <param name="IsPtx">PTX, which the driver compiles on for any device that is at least as new, instead of machine code.</param>
public readonly record struct KernelTarget(int Architecture, bool IsPtx = false)
{
    /// <summary>The oldest architecture that the kernels are written for: <c>mma.sync</c> of bf16, <c>cp.async</c>.</summary>
    public const int Oldest = 80;

    /// <summary>Machine code for a device where the compiler knows it, else PTX of the newest architecture that the compiler knows and the device runs.</summary>
    /// <param name="device">The device's architecture.</param>
    /// <param name="known">The compiler's, ascending.</param>
    /// <exception cref="CudaException">The device is too old, or the compiler is.</exception>
    public static KernelTarget For(int device, IReadOnlyList<int> known)
    {
        if (device < Oldest) throw new CudaException($"cuda: compute capability {device / 10}.{device % 10}, expected {Oldest / 10}.{Oldest % 10} or newer");
        if (known.Contains(device)) return new(device);
        var newest = known.Where(architecture => architecture <= device).DefaultIfEmpty().Max();
        return newest >= Oldest ? new(newest, IsPtx: true) : throw new CudaException($"cuda: this NVRTC compiles for {string.Join(", ", known.Select(architecture => $"sm_{architecture}"))}, expected sm_{Oldest} or newer");
    }

    /// <summary>As NVRTC's option wants it.</summary>
    public override string ToString() => $"{(IsPtx ? "compute" : "sm")}_{Architecture}";
}
