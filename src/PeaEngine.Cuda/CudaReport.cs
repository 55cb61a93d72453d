using System.Globalization;
using PeaEngine.Cuda.Sys;

namespace PeaEngine.Cuda;

/// <summary>What of CUDA this machine has, what is missing, and where it was looked for.</summary>
public static class CudaReport
{
    /// <summary>Name and value of each fact. It loads the libraries to know.</summary>
    /// <param name="compiler">The NVRTC that kernels would be compiled by, or null.</param>
    public static IReadOnlyList<(string Name, string Value)> Collect(out NvrtcCompiler? compiler) => Collect(new(), out compiler);

    internal static unsafe IReadOnlyList<(string Name, string Value)> Collect(LibrarySearch search, out NvrtcCompiler? used)
    {
        var missing = new List<string>();
        var facts = new List<(string, string)>();
        var devices = Devices(search, facts, missing, out var newest);
        NvrtcCompiler? compiler = null;
        Tell(LibraryName.Nvrtc, () => (compiler = CudaLibraries.Compile(search, newest)) == null ? null
            : $"{compiler.Version}, compiles for {string.Join(' ', compiler.Architectures.Select(architecture => $"sm_{architecture}"))}");
        facts.Add((LibraryName.CuBlasLt.Title, Beside(LibraryName.CuBlasLt, "products are computed by the engine's own kernels", library => CudaLibraries.Products(library).cublasLtGetVersion().ToString(CultureInfo.InvariantCulture))));
        facts.Add((LibraryName.Nccl.Title, Beside(LibraryName.Nccl, "processes that train together sum gradients by MPI", library => Version(CudaLibraries.Sums(library)))));
        foreach (var device in devices)
            facts.Add(($"cuda:{device.Ordinal}", string.Create(CultureInfo.InvariantCulture,
                $"{device.Name}, compute capability {device.Capability}, {device.Multiprocessors} multiprocessors, {device.MemoryBytes / (double)(1L << 30):0.0} GiB{Target(device)}")));
        facts.Add(("kernel cache", KernelCache.DefaultFolder));
        facts.Insert(0, ("cuda", missing.Count > 0 ? $"cannot be used: no {string.Join(", no ", missing)}" : devices.Count > 0 ? "found" : "cannot be used: the driver shows no device"));
        foreach (var name in new[] { LibraryName.Driver, LibraryName.Nvrtc, LibraryName.CuBlasLt, LibraryName.Nccl }) facts.Add(($"{name.Title} search", search.Describe(name)));
        used = compiler;
        return facts;

        void Tell(LibraryName name, Func<string?> find)
        {
            try
            {
                var found = find();
                if (found == null) missing.Add(name.Title);
                facts.Add((name.Title, found == null ? "not found" : $"{found}, {search.Attempts.Last(attempt => attempt.Library == name.Title).Path}"));
            }
            catch (CudaException e)
            {
                missing.Add($"usable {name.Title}");
                facts.Add((name.Title, e.Message));
            }
        }

        // Nothing is missing without it: it is only said what does its work.
        string Beside(LibraryName name, string without, Func<nint, string> version)
        {
            if (search.Find(name, newest) is not { } found) return $"not found, {without}";
            try
            {
                return $"version {version(found.Handle)}, {found.Path}";
            }
            catch (CudaException e)
            {
                return $"{e.Message}; {without}";
            }
        }

        string Target(CudaDevice device)
        {
            try
            {
                return compiler == null ? "" : $", kernels as {KernelTarget.For(device.Architecture, compiler.Architectures)}";
            }
            catch (CudaException e)
            {
                return $": {e.Message}";
            }
        }
    }

    static unsafe IReadOnlyList<CudaDevice> Devices(LibrarySearch search, List<(string, string)> facts, List<string> missing, out int newest)
    {
        newest = int.MaxValue;
        if (search.Find(LibraryName.Driver) is not { } found)
        {
            missing.Add(LibraryName.Driver.Title);
            facts.Add((LibraryName.Driver.Title, "not found"));
            return [];
        }
        try
        {
            var driver = DriverLibrary.Open(found.Handle);
            int version;
            driver.Check(driver.cuDriverGetVersion(&version), nameof(driver.cuDriverGetVersion));
            newest = version / 1000;
            facts.Add((LibraryName.Driver.Title, $"for CUDA {version / 1000}.{version % 1000 / 10}, {found.Path}"));
            driver.Check(driver.cuInit(0), nameof(driver.cuInit));
            return CudaDevice.All(driver);
        }
        catch (CudaException e)
        {
            missing.Add("device");
            facts.Add(("CUDA device", e.Message));
            return [];
        }
    }

    static unsafe string Version(Nccl library)
    {
        int version;
        return library.ncclGetVersion(&version) == ncclResult.ncclSuccess ? $"{version / 10000}.{version / 100 % 100}.{version % 100}" : "unknown";
    }
}
