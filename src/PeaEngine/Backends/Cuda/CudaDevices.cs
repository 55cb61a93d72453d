using System.Globalization;
using PeaEngine.Cuda;

namespace PeaEngine.Backends;

/// <summary>Devices of NVIDIA's by their names. Nothing of CUDA is loaded before one is asked for.</summary>
/// <param name="find">Finds the libraries that devices are opened with; asked at each opening.</param>
public sealed class CudaDevices(Func<CudaLibraries> find)
{
    const string Name = "cuda";

    /// <summary>Those of this machine.</summary>
    public static CudaDevices Machine { get; } = new(CudaLibraries.Find);

    /// <summary>The number in <c>cuda:N</c>, 0 for <c>cuda</c>, or null: it is no such name.</summary>
    public static int? Ordinal(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name == Name ? 0
            : name.StartsWith(Name + ":", StringComparison.Ordinal) && int.TryParse(name.AsSpan(Name.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var ordinal) ? ordinal : null;
    }

    /// <summary>What of CUDA this machine has; see <see cref="CudaReport"/>, and tables of tiles.</summary>
    internal static IReadOnlyList<(string Name, string Value)> Facts()
    {
        var facts = CudaReport.Collect(out var compiler);
        return compiler == null || TileTable.Describe(KernelCache.DefaultFolder, compiler.Version) is not { Count: > 0 } tables ? facts : [.. facts, ("tiles", string.Join("; ", tables))];
    }

    /// <summary>How many the driver shows.</summary>
    /// <exception cref="PeaException">There is no driver, or something else that devices need is not there.</exception>
    public int Count() => CudaDevice.All(find()).Count;

    /// <summary>Opens a device.</summary>
    /// <exception cref="PeaException">It is not there, or something that it needs is not; the message tells what.</exception>
    public Backend Open(int ordinal, DType activations)
    {
        var context = new CudaContext(find(), ordinal);
        try
        {
            return new CudaBackend(context, activations);
        }
        catch
        {
            context.Dispose();
            throw;
        }
    }
}
