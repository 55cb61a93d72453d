using PeaEngine.Backends;

namespace PeaEngine;

/// <summary>Opens backends by name.</summary>
public static class Device
{
    /// <summary>Opens <c>cpu</c>, or a GPU: <c>cuda</c>, which is <c>cuda:0</c>, or <c>cuda:N</c>. What is not there is an error: it never falls back silently.</summary>
    /// <param name="name">The device's name.</param>
    /// <param name="threads">Threads of the CPU backend, 0 for one a processor.</param>
    /// <exception cref="OptionException">It is no device's name.</exception>
    /// <exception cref="PeaException">The GPU or something that it needs is not there; the message tells what.</exception>
    public static Backend Open(string name = "cpu", int threads = 0) => name switch
    {
        "cpu" => new CpuBackend(threads),
        _ => CudaDevices.Open(CudaDevices.Ordinal(name) ?? throw new OptionException($"device '{name}': expected cpu, cuda or cuda:N")),
    };

    /// <summary>What of CUDA this machine has, what is missing, and where it was looked for: name and value of each fact.</summary>
    public static IReadOnlyList<(string Name, string Value)> CudaFacts() => CudaDevices.Facts();

    /// <summary>Opens a backend that computes nothing and has no memory: what is loaded onto it is only checked.</summary>
    public static Backend OpenNull() => new NullBackend();
}
