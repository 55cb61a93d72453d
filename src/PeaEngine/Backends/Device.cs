using PeaEngine.Backends;

namespace PeaEngine;

/// <summary>Opens backends by name.</summary>
public static class Device
{
    /// <summary>Opens <c>cpu</c>, or a GPU: <c>cuda</c>, which is <c>cuda:0</c>, or <c>cuda:N</c>. What is not there is an error: it never falls back silently.</summary>
    /// <param name="name">The device's name.</param>
    /// <param name="threads">Threads of the CPU backend, 0 for one a processor.</param>
    /// <param name="activations">What activations are: on a GPU F16 by default, or BF16 or F32; on the CPU F32 alone.</param>
    /// <param name="gpus">Where GPUs are opened; by default this machine's.</param>
    /// <exception cref="OptionException">It is no device's name, or the device does not compute in this type.</exception>
    /// <exception cref="PeaException">The GPU or something that it needs is not there; the message tells what.</exception>
    public static Backend Open(string name = "cpu", int threads = 0, DType? activations = null, CudaDevices? gpus = null)
    {
        Check(name, activations);
        return CudaDevices.Ordinal(name) is { } ordinal ? (gpus ?? CudaDevices.Machine).Open(ordinal, activations ?? DefaultActivations(name)) : new CpuBackend(threads);
    }

    /// <summary>What activations are on a device where nobody says: F16 on a GPU, F32 on the CPU.</summary>
    /// <exception cref="OptionException">It is no device's name.</exception>
    public static DType DefaultActivations(string name)
    {
        Check(name);
        return name == "cpu" ? DType.F32 : DType.F16;
    }

    /// <summary>Refuses a wrong name or type, before anything is opened.</summary>
    /// <exception cref="OptionException">As <see cref="Open"/> throws it.</exception>
    public static void Check(string name, DType? activations = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        var isCpu = name == "cpu";
        if (!isCpu && CudaDevices.Ordinal(name) == null) throw new OptionException($"device '{name}': expected cpu, cuda or cuda:N");
        if (activations is { } type && (isCpu ? type != DType.F32 : !type.IsWeight()))
            throw new OptionException($"dtype: {type} on {name}, expected {(isCpu ? "F32: a CPU computes in nothing else" : "F32, F16 or BF16")}");
    }

    /// <summary>What of CUDA this machine has, what is missing, and where it was looked for: name and value of each fact.</summary>
    public static IReadOnlyList<(string Name, string Value)> CudaFacts() => CudaDevices.Facts();

    /// <summary>Opens a backend that computes nothing and has no memory: what is loaded onto it is only checked.</summary>
    /// <param name="activations">What activations would be: F32, F16 or BF16.</param>
    public static Backend OpenNull(DType activations = DType.F32) => new NullBackend(activations);
}
