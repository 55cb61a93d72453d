using System.Runtime.InteropServices;
using PeaEngine.Cuda.Sys;

namespace PeaEngine.Cuda;

/// <summary>NVIDIA's libraries as the engine uses them: those of this machine, or others that stand in their place.</summary>
public sealed class CudaLibraries
{
    /// <summary>Libraries that are there already.</summary>
    /// <param name="driver">The driver.</param>
    /// <param name="compiler">NVRTC.</param>
    /// <param name="loadsPtx">Whether the driver takes PTX alone and no machine code.</param>
    internal CudaLibraries(Driver driver, NvrtcCompiler compiler, bool loadsPtx = false) => (Driver, Compiler, LoadsPtx) = (driver, compiler, loadsPtx);

    internal Driver Driver { get; }

    internal NvrtcCompiler Compiler { get; }

    /// <summary>cuBLASLt, which is loaded when it is first asked for: it is half a gigabyte. Null where it is not there.</summary>
    internal Lazy<CuBlasLt?> CuBlasLt { get; init; } = new((CuBlasLt?)null);

    /// <summary>NCCL, which is loaded when it is first asked for. Null where it is not there.</summary>
    internal Lazy<Nccl?> Nccl { get; init; } = new((Nccl?)null);

    internal bool LoadsPtx { get; }

    /// <summary>Loads this machine's. Nothing of CUDA is loaded before.</summary>
    /// <exception cref="CudaException">One is missing; the message tells which and where it was looked for.</exception>
    public static CudaLibraries Find() => Find(new());

    internal static unsafe CudaLibraries Find(LibrarySearch search)
    {
        var driver = DriverLibrary.Open((search.Find(LibraryName.Driver) ?? throw Missing(LibraryName.Driver, "expected NVIDIA's driver of CUDA 11.8 or newer")).Handle);
        int version;
        driver.Check(driver.cuInit(0), "cuInit");
        driver.Check(driver.cuDriverGetVersion(&version), "cuDriverGetVersion");
        var newest = version / 1000;
        var compiler = Compile(search, newest) ?? throw Missing(LibraryName.Nvrtc, $"expected that of CUDA 11 to {newest}, from the toolkit or from pip's nvidia packages");
        return new(driver, compiler) { CuBlasLt = new(() => OrNull(LibraryName.CuBlasLt, Products)), Nccl = new(() => OrNull(LibraryName.Nccl, Sums)) };

        // One that is too old is none, as 'pea doctor' tells.
        T? OrNull<T>(LibraryName name, Func<nint, T> table) where T : class
        {
            try
            {
                return search.Find(name, newest) is { } found ? table(found.Handle) : null;
            }
            catch (CudaException)
            {
                return null;
            }
        }

        CudaException Missing(LibraryName name, string expected)
        {
            var first = search.Attempts.First(attempt => attempt.Library == name.Title);
            return new($"cuda: no {name.Title} found ({first.Path}: {first.Problem}), {expected}; 'pea doctor' shows where it was looked for");
        }
    }

    /// <summary>This machine's NVRTC, which needs no device, or null.</summary>
    /// <param name="search">What remembers the attempts.</param>
    /// <param name="newest">The latest version of CUDA that is of use.</param>
    internal static NvrtcCompiler? Compile(LibrarySearch search, int newest = int.MaxValue)
    {
        if (search.Find(LibraryName.Nvrtc, newest) is not { } found) return null;
        // NVRTC asks the system's loader for its second half by name when it compiles, which does not look beside it but knows what is loaded.
        if (Path.GetDirectoryName(found.Path) is { Length: > 0 } folder)
            foreach (var file in Directory.EnumerateFiles(folder, "libnvrtc-builtins.so.*")) NativeLibrary.TryLoad(file, out _);
        return new(new(Exports(found.Handle, LibraryName.Nvrtc)));
    }

    /// <summary>The table of a cuBLASLt.</summary>
    /// <param name="library">What <see cref="NativeLibrary"/> gave.</param>
    /// <exception cref="CudaException">It is older than CUDA 11.8.</exception>
    internal static CuBlasLt Products(nint library) => new(Exports(library, LibraryName.CuBlasLt));

    /// <summary>The table of an NCCL.</summary>
    /// <param name="library">What <see cref="NativeLibrary"/> gave.</param>
    /// <exception cref="CudaException">It is older than 2.13.</exception>
    internal static Nccl Sums(nint library) => new(Exports(library, LibraryName.Nccl, "2.13"));

    static Func<string, nint> Exports(nint library, LibraryName name, string oldest = "11.8") => entry =>
        NativeLibrary.TryGetExport(library, entry, out var address) ? address : throw new CudaException($"{name.Title}: has no {entry}, expected version {oldest} or newer");
}
