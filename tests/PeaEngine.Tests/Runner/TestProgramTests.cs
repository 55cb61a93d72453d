using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using PeaEngine.Cli;
using PeaEngine.Cuda;
using PeaEngine.Tests.Cuda;

#pragma warning disable xUnit1000 // Classes that dotnet test does not find are what these tests run.

namespace PeaEngine.Tests.Runner;

/// <summary>The tests as a program: what it runs, what it tells, and its exit codes.</summary>
public partial class TestProgramTests
{
    /// <summary>Runs classes that are not public, which nobody else runs.</summary>
    static (int Code, string Output) Run(Type type, bool isReal = false, string text = "")
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);
        return (TestProgram.Run([type], [text], isReal, output), output.ToString());
    }

    /// <summary>Starts it as a process.</summary>
    static (int Code, string Output, string Error) Start(string device, params string[] arguments) => Start(device, [], arguments);

    static (int Code, string Output, string Error) Start(string device, Dictionary<string, string> variables, string[] arguments)
    {
        var command = HelperProgram.CommandLine(arguments);
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment[CudaTestDevice.Variable] = device;
        foreach (var (name, value) in variables) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }

    [Fact]
    public void TestsAreRunByTheirNames()
    {
        var (code, output, error) = Start(CudaTestDevice.Virtual, nameof(CudaLibraryTests.ADevicesNameHasItsNumber), nameof(CudaLibraryTests.OtherNamesDoNotReachTheDriver));
        Assert.Equal((ExitCode.Done, ""), (code, error));
        Assert.StartsWith("a virtual GPU, ", output, StringComparison.Ordinal);
        Assert.Contains("PeaEngine.Tests.Cuda.CudaLibraryTests: 7 passed, ", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(CudaTestDevice.Virtual, "NoTestIsCalledSo", "no test's name contains 'NoTestIsCalledSo'")]
    [InlineData(CudaTestDevice.Virtual, "--sanitise", "Runs tests on this machine's GPU")]
    [InlineData("vitrual", "CudaLibraryTests", "PEA_CUDA=vitrual: expected real or virtual")]
    public void WhereNoneCanBeRunItSaysWhy(string device, string argument, string expected)
    {
        var (code, output, error) = Start(device, argument);
        Assert.Equal((ExitCode.WrongUsage, ""), (code, output));
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Fact]
    public void AMachineWithoutAGpuSaysWhatIsMissing()
    {
        var facts = Device.CudaFacts().ToDictionary(fact => fact.Name, fact => fact.Value);
        if (facts["cuda"] == "found") return;
        var (code, output, error) = Start(CudaTestDevice.Real);
        Assert.Equal((ExitCode.WrongUsage, ""), (code, output));
        Assert.StartsWith("PeaEngine.Tests: cu", error, StringComparison.Ordinal);
        Assert.Equal(error.Length - 1, error.IndexOf('\n', StringComparison.Ordinal));
    }

    [Fact]
    public void TheSanitizerRunsTheSameTestsTwice()
    {
        if (OperatingSystem.IsWindows()) return;
        using var folder = new TemporaryFolder();
        // One that finds nothing wrong but races.
        var tool = folder.Write("compute-sanitizer", "#!/bin/sh\necho ran $*\n[ $2 = memcheck ]\n");
        File.SetUnixFileMode(tool, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var (code, output, error) = Start(CudaTestDevice.Virtual, new() { ["PATH"] = $"{folder.Path}:{Environment.GetEnvironmentVariable("PATH")}" }, ["--sanitize", nameof(CudaDeviceTests)]);
        Assert.Equal((ExitCode.Failed, ""), (code, error));
        var ran = output.Split('\n').Where(line => line.StartsWith("ran ", StringComparison.Ordinal)).ToArray();
        Assert.Equal(["memcheck", "racecheck"], ran.Select(line => line.Split(' ')[2]));
        Assert.All(ran, line => Assert.EndsWith($"--error-exitcode 1 {string.Join(' ', HelperProgram.CommandLine(nameof(CudaDeviceTests)))}", line, StringComparison.Ordinal));
    }

    /// <summary>What tests of kernels read of the golden files, they and whatever files of tests they name, is in a published folder.</summary>
    [Fact]
    public void GoldenFilesOfKernelsTestsArePublished()
    {
        var folder = Path.Combine(Repository.Root, "tests", "PeaEngine.Tests");
        var published = PublishedFolder().Matches(File.ReadAllText(Path.Combine(folder, "PeaEngine.Tests.csproj"))).Select(match => match.Groups[1].Value).ToHashSet();
        var texts = Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories).Where(file => !Path.GetRelativePath(folder, file).StartsWith("obj", StringComparison.Ordinal))
            .GroupBy(file => Path.GetFileNameWithoutExtension(file)).ToDictionary(files => files.Key, files => string.Concat(files.Select(File.ReadAllText)));
        var named = new Queue<string>(Directory.EnumerateFiles(Path.Combine(folder, "Cuda"), "*.cs").Select(file => Path.GetFileNameWithoutExtension(file)));
        var (seen, read) = (new HashSet<string>(), new HashSet<string>());
        while (named.TryDequeue(out var name))
        {
            if (!seen.Add(name)) continue;
            foreach (Match match in GoldenName().Matches(texts[name])) read.Add(match.Groups[1].Value);
            foreach (Match match in TypeName().Matches(texts[name]))
                if (texts.ContainsKey(match.Value)) named.Enqueue(match.Value);
        }
        Assert.Superset(new HashSet<string> { "unet", "pipeline" }, read);
        Assert.All(read, name => Assert.True(published.Contains(name), $"tests of kernels read golden/{name}: PeaEngine.Tests.csproj does not publish it"));
    }

    [Fact]
    public void EveryCaseOfATheoryIsRunAndCounted()
    {
        var (code, output) = Run(typeof(Passing));
        Assert.Equal(ExitCode.Done, code);
        Assert.Contains("+Passing: 3 passed, 1 skipped (not today), ", output, StringComparison.Ordinal);
        Assert.Contains("\n3 passed, 0 failed, 1 skipped in ", output, StringComparison.Ordinal);
        Assert.Contains("\n2 passed, 0 failed, 0 skipped in ", Run(typeof(Passing), text: nameof(Passing.IsPositive)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void AFailureIsToldWithItsReasonAndPlace()
    {
        var (code, output) = Run(typeof(Failing));
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains($"FAILED {typeof(Failing).FullName}.{nameof(Failing.Differs)}(value: 4)\n", output, StringComparison.Ordinal);
        Assert.Contains("    Expected: 3\n    Actual:   4\n", output, StringComparison.Ordinal);
        Assert.Contains($"   at {typeof(Failing).FullName!.Replace('+', '.')}.{nameof(Failing.Differs)}(Int32 value)", output, StringComparison.Ordinal);
        Assert.Contains("\n1 passed, 1 failed, 0 skipped in ", output, StringComparison.Ordinal);
    }

    [Fact]
    public void ALostDeviceEndsTheRunOfARealOneAlone()
    {
        var (code, output) = Run(typeof(Losing), isReal: true);
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains("\nthe device is lost: the rest of 2 cases was not run\n0 passed, 1 failed, 0 skipped in ", output, StringComparison.Ordinal);
        Assert.Contains("\n0 passed, 2 failed, 0 skipped in ", Run(typeof(Losing)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void AFixtureThatFailsAtItsEndIsAFailure()
    {
        var (code, output) = Run(typeof(BadlyEnding));
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains("torn down badly", output, StringComparison.Ordinal);
    }

    internal sealed class Passing
    {
        [Theory, InlineData(1), InlineData(2)]
        public void IsPositive(int value) => Assert.True(value > 0);

        [Fact]
        public void Adds() => Assert.Equal(2, 1 + 1);

        [Fact(Skip = "not today")]
        public void Waits() => Assert.Fail("not today");
    }

    internal sealed class Failing
    {
        [Theory, InlineData(3), InlineData(4)]
        public void Differs(int value) => Assert.Equal(3, value);
    }

    internal sealed class Losing
    {
        [Theory, InlineData(1), InlineData(2)]
        public void Loses(int value) => throw new DeviceLostException(new($"kernel {value} went wrong"));
    }

    internal sealed class BadlyEnding : IClassFixture<BadlyEnding.Fixture>
    {
        [Fact]
        public void Passes() { }

        internal sealed class Fixture : IDisposable
        {
            public void Dispose() => throw new InvalidOperationException("torn down badly");
        }
    }

    [GeneratedRegex(@"\$\(GoldenFolder\)(\w+)/\*\*")]
    private static partial Regex PublishedFolder();

    [GeneratedRegex(@"\b[A-Z]\w+\b")]
    private static partial Regex TypeName();

    [GeneratedRegex(@"(?:GoldenFolder\.(?:Cases|At)\(|""golden"", )""([\w-]+)""")]
    private static partial Regex GoldenName();
}
