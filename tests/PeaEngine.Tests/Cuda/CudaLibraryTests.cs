using PeaEngine.Backends;
using PeaEngine.Cli;
using PeaEngine.Cuda;
using PeaEngine.Tests.Cli;

namespace PeaEngine.Tests.Cuda;

/// <summary>Where NVIDIA's libraries are looked for, and what is said where they are not.</summary>
public sealed class CudaLibraryTests : IDisposable
{
    readonly TemporaryFolder folder = new();
    readonly Dictionary<string, string> variables = [];

    public void Dispose() => folder.Dispose();

    /// <summary>A search that finds files where they are, and by their names alone those of the system.</summary>
    LibrarySearch Search(params string[] system) =>
        new(variables.GetValueOrDefault, path => system.Contains(path) || path.StartsWith(folder.Path, StringComparison.Ordinal) ? (path.Length, null) : (0, "not there"));

    static (int Major, string File) Newest(LibraryName name) => name.Files[0];

    [Fact]
    public void TheNewestThatTheDriverTakesIsChosen()
    {
        var (newest, older) = (LibraryName.Nvrtc.Files[0], LibraryName.Nvrtc.Files[1]);
        var all = LibraryName.Nvrtc.Files.Select(file => file.File).ToArray();
        Assert.Equal(newest.File, Search(all).Find(LibraryName.Nvrtc)!.Value.Path);
        Assert.Equal(older.File, Search(all).Find(LibraryName.Nvrtc, newest: 12)!.Value.Path);
        Assert.Null(Search(newest.File).Find(LibraryName.Nvrtc, newest: 12));
    }

    [Fact]
    public void AVariableNamesAFileOrAFolderAndNothingElseIsTried()
    {
        var file = folder.Write(Newest(LibraryName.CuBlasLt).File, "");
        variables["PEA_CUBLASLT"] = folder.Path;
        Assert.Equal(file, Search().Find(LibraryName.CuBlasLt)!.Value.Path);
        variables["PEA_CUBLASLT"] = file;
        Assert.Equal(file, Search().Find(LibraryName.CuBlasLt)!.Value.Path);
        variables["PEA_CUBLASLT"] = "/nowhere/libcublasLt.so";
        var search = Search(Newest(LibraryName.CuBlasLt).File);
        Assert.Null(search.Find(LibraryName.CuBlasLt));
        Assert.Equal([new LibraryAttempt("cuBLASLt", "/nowhere/libcublasLt.so", "not there")], search.Attempts);
    }

    [Theory]
    [InlineData("CUDA_HOME", "lib64")]
    [InlineData("CUDA_PATH", "lib")]
    [InlineData("VIRTUAL_ENV", "lib/python3.12/site-packages/nvidia/cuda_nvrtc/lib")]
    [InlineData("VIRTUAL_ENV", "lib/python3.9/site-packages/nvidia/cu13/lib")]
    [InlineData("HOME", ".local/lib/python3.11/site-packages/nvidia/cuda_nvrtc/lib")]
    [InlineData("CONDA_PREFIX", "lib")]
    public void ToolkitsAndPythonsPackagesAreLookedInto(string variable, string place)
    {
        if (OperatingSystem.IsWindows()) return;
        var file = folder.Write($"{place}/{Newest(LibraryName.Nvrtc).File}", "");
        variables[variable] = folder.Path;
        var search = Search();
        Assert.Equal(file, search.Find(LibraryName.Nvrtc)!.Value.Path);
        // The system's own came first.
        Assert.Equal(new LibraryAttempt("NVRTC", Newest(LibraryName.Nvrtc).File, "not there"), search.Attempts[0]);
        Assert.Equal(new LibraryAttempt("NVRTC", file, null), search.Attempts[^1]);
    }

    [Fact]
    public void TheReportSaysWhatIsMissingAndWhereItWasLookedFor()
    {
        var facts = CudaReport.Collect(Search(), out _).ToDictionary(fact => fact.Name, fact => fact.Value);
        Assert.Equal("cannot be used: no CUDA driver, no NVRTC", facts["cuda"]);
        Assert.Equal("not found", facts["NVRTC"]);
        Assert.Equal("not found, products are computed by the engine's own kernels", facts["cuBLASLt"]);
        Assert.Equal("not found, processes that train together sum gradients by MPI", facts["NCCL"]);
        foreach (var (_, file) in LibraryName.Nvrtc.Files) Assert.Contains($"{file}: not there", facts["NVRTC search"], StringComparison.Ordinal);
        Assert.NotEmpty(facts["kernel cache"]);
    }

    [Fact]
    public void ADeviceThatIsNotThereIsAnErrorOfOneLine()
    {
        var error = Assert.Throws<CudaException>(() => CudaLibraries.Find(Search()));
        Assert.Equal($"cuda: no CUDA driver found ({Newest(LibraryName.Driver).File}: not there), expected NVIDIA's driver of CUDA 11.8 or newer; 'pea doctor' shows where it was looked for", error.Message);
    }

    [Theory]
    [InlineData("cuda:"), InlineData("cuda:-1"), InlineData("cuda:x"), InlineData("cuda:0x1"), InlineData("gpu"), InlineData("CUDA")]
    public void OtherNamesDoNotReachTheDriver(string name) => Assert.Equal($"device '{name}': expected cpu, cuda or cuda:N", Assert.Throws<OptionException>(() => Device.Open(name)).Message);

    [Fact]
    public void ADevicesNameHasItsNumber() => Assert.Equal((0, 0, 3), (CudaDevices.Ordinal("cuda"), CudaDevices.Ordinal("cuda:0"), CudaDevices.Ordinal("cuda:3")));

    /// <summary>On this machine as it is: whatever it has, the answer is one error or a device, never the CPU.</summary>
    [Fact]
    public void TheCommandLineNeverFallsBack()
    {
        var found = Device.CudaFacts().ToDictionary(fact => fact.Name, fact => fact.Value)["cuda"];
        if (found == "found") return;
        CommandLine.Run("sample", "a cat", "--device", "cuda", "--output", folder.At("a.png")).AssertFails(ExitCode.Failed, "cu");
        Assert.Empty(folder.Files());
    }
}
