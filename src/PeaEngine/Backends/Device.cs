using PeaEngine.Backends;

namespace PeaEngine;

/// <summary>Opens backends by name.</summary>
public static class Device
{
    /// <summary>Opens <c>cpu</c>. Anything else is an error: it never falls back silently.</summary>
    /// <param name="name">The device's name.</param>
    /// <param name="threads">Threads of the CPU backend, 0 for one a processor.</param>
    /// <exception cref="OptionException">There is no such device.</exception>
    public static Backend Open(string name = "cpu", int threads = 0) => name switch
    {
        "cpu" => new CpuBackend(threads),
        _ => throw new OptionException($"device '{name}': expected cpu, the only device of this version"),
    };

    /// <summary>Opens a backend that computes nothing and has no memory: what is loaded onto it is only checked.</summary>
    public static Backend OpenNull() => new NullBackend();
}
