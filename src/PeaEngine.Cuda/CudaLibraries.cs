using System.Runtime.InteropServices;
using PeaEngine.Cuda.Sys;

namespace PeaEngine.Cuda;

/// <summary>NVIDIA's libraries as the engine uses them: those of this machine, or others that stand in their place.</summary>
public sealed class CudaLibraries
{
    /// <summary>Libraries that are there already.</summary>
    /// <param name="driver">The driver.</param>
    /// <param name="compiler">NVRTC.</param>
    /// <param name="cuBlas">cuBLAS.</param>
    /// <param name="cuBlasLt">cuBLASLt.</param>
    /// <param name="loadsPtx">Whether the driver takes PTX alone and no machine code.</param>
    internal CudaLibraries(Driver driver, NvrtcCompiler compiler, CuBlas cuBlas, CuBlasLt cuBlasLt, bool loadsPtx = false) =>
        (Driver, Compiler, CuBlas, CuBlasLt, LoadsPtx) = (driver, compiler, cuBlas, cuBlasLt, loadsPtx);

    internal Driver Driver { get; }

    internal NvrtcCompiler Compiler { get; }

    internal CuBlas CuBlas { get; }

    internal CuBlasLt CuBlasLt { get; }

    internal bool LoadsPtx { get; }

    /// <summary>Loads this machine's. Nothing of CUDA is loaded before.</summary>
    /// <exception cref="CudaException">One is missing; the message tells which and where it was looked for.</exception>
    public static CudaLibraries Find() => Find(new());

    internal static unsafe CudaLibraries Find(LibrarySearch search)
    {
        var driver = DriverLibrary.Open(Load(LibraryName.Driver, "expected NVIDIA's driver of CUDA 11.8 or newer").Handle);
        int version;
        driver.Check(driver.cuInit(0), "cuInit");
        driver.Check(driver.cuDriverGetVersion(&version), "cuDriverGetVersion");
        var newest = version / 1000;
        var compiler = Compile(search, newest) ?? throw Missing(LibraryName.Nvrtc, Toolkit(newest));
        var (lightHandle, lightPath, major) = Load(LibraryName.CuBlasLt, Toolkit(newest), newest);
        // cuBLAS takes the cuBLASLt that the process has loaded already if it is of its own version.
        var (handle, _, _) = Load(LibraryName.CuBlas, Toolkit(newest), newest, major, Path.GetDirectoryName(lightPath));
        return new(driver, compiler, new(Exports(handle, LibraryName.CuBlas)), new(Exports(lightHandle, LibraryName.CuBlasLt)));

        static string Toolkit(int newest) => $"expected that of CUDA 11 to {newest}, from the toolkit or from pip's nvidia packages";

        (nint Handle, string Path, int Major) Load(LibraryName name, string expected, int newest = int.MaxValue, int only = 0, string? beside = null) =>
            search.Find(name, newest, only, beside) ?? throw Missing(name, expected);

        CudaException Missing(LibraryName name, string expected)
        {
            var first = search.Attempts.First(attempt => attempt.Library == name.Title);
            return new($"cuda: no {name.Title} found ({first.Path}: {first.Problem}), {expected}; 'pea doctor' shows where it was looked for");
        }
    }

    /// <summary>This machine's NVRTC, which needs no device, or null.</summary>
    /// <param name="search">What remembers the attempts.</param>
    /// <param name="newest">The latest version of CUDA that is of use.</param>
    internal static NvrtcCompiler? Compile(LibrarySearch search, int newest = int.MaxValue) =>
        search.Find(LibraryName.Nvrtc, newest) is { } found ? new(new(Exports(found.Handle, LibraryName.Nvrtc))) : null;

    static Func<string, nint> Exports(nint library, LibraryName name) => entry =>
        NativeLibrary.TryGetExport(library, entry, out var address) ? address : throw new CudaException($"{name.Title}: has no {entry}, expected version 11.8 or newer");
}
