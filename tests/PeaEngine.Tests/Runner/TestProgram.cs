using System.Diagnostics;
using System.Globalization;
using PeaEngine.Cli;
using PeaEngine.Tests.Cuda;

namespace PeaEngine.Tests.Runner;

/// <summary>
/// The tests as a program: on a machine that has a GPU and neither SDK nor internet, the published folder runs them. The device is the machine's own, unless <c>PEA_CUDA</c> says <c>virtual</c>.
/// </summary>
static class TestProgram
{
    const string Sanitize = "--sanitize", Usage =
        $"""
        Runs tests on this machine's GPU, or on a virtual one where PEA_CUDA is virtual.

          PeaEngine.Tests [TEXT ...] [{Sanitize}]

          TEXT         tests whose full names contain one of these texts; without one, "Cuda"
          {Sanitize}   under compute-sanitizer, first its memcheck, then its racecheck

        The exit code is 0 where all passed, 1 where some failed, 2 where none could be run.
        """;

    static readonly string[] Default = ["Cuda"];

    /// <summary>Does what a command line says.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="output">Where tests are told of.</param>
    /// <param name="error">Where it is told why none could be run.</param>
    /// <returns>The exit code.</returns>
    public static int Run(string[] arguments, TextWriter output, TextWriter error)
    {
        string[] texts = [.. arguments.Where(argument => !argument.StartsWith('-'))], options = [.. arguments.Except(texts)];
        if (options.FirstOrDefault(option => option != Sanitize) is { } other)
        {
            (other is "-h" or "--help" ? output : error).WriteLine(Usage);
            return other is "-h" or "--help" ? ExitCode.Done : ExitCode.WrongUsage;
        }
        if (texts.Length == 0) texts = Default;
        if (Environment.GetEnvironmentVariable(CudaTestDevice.Variable) is null or "") Environment.SetEnvironmentVariable(CudaTestDevice.Variable, CudaTestDevice.Real);
        try
        {
            var classes = TestRunner.Classes(texts);
            if (classes.Count == 0) throw new PeaException($"no test's name contains {string.Join(" or ", texts.Select(text => $"'{text}'"))}");
            if (options.Length > 0) return Sanitizer.Run(texts, output);
            output.WriteLine(CudaTestDevice.Describe());
            // As long as one holds it, the device's context is not made anew for every test.
            using var held = CudaTestDevice.IsReal ? CudaTestDevice.Open() : null;
            return Run(classes, texts, CudaTestDevice.IsReal, output);
        }
        catch (PeaException e)
        {
            error.WriteLine($"PeaEngine.Tests: {e.Message}");
            return ExitCode.WrongUsage;
        }
    }

    /// <summary>Runs tests and tells how many passed.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(IReadOnlyList<Type> classes, string[] texts, bool isReal, TextWriter output)
    {
        var clock = Stopwatch.StartNew();
        using var report = new TestReport(output, endsWhenLost: isReal);
        // A graph that one test records on a GPU would be broken by another that waits for the whole device.
        var cases = TestRunner.Run(classes, texts, oneByOne: isReal, report);
        if (report.IsLost) output.WriteLine($"the device is lost: the rest of {cases} cases was not run");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{report.Passed} passed, {report.Failed} failed, {report.Skipped} skipped in {clock.Elapsed.TotalSeconds:0.0} s"));
        return report.Failed == 0 && report.Passed + report.Skipped > 0 ? ExitCode.Done : ExitCode.Failed;
    }
}
