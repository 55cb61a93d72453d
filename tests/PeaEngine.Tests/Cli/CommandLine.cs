using System.Globalization;
using System.Text.Json;
using PeaEngine.Backends;
using PeaEngine.Cli;

namespace PeaEngine.Tests.Cli;

/// <summary>What one run of <c>pea</c> answered.</summary>
sealed record CommandLine(int Code, string Output, string Error)
{
    /// <summary>Runs it in this process.</summary>
    public static CommandLine Run(params string[] arguments) => Run(null, arguments);

    /// <summary>The same with other GPUs than this machine's.</summary>
    public static CommandLine Run(CudaDevices? gpus, params string[] arguments)
    {
        using StringWriter output = new(CultureInfo.InvariantCulture), error = new(CultureInfo.InvariantCulture);
        return new(CommandRunner.Run(arguments, output, error, gpus), output.ToString(), error.ToString());
    }

    /// <summary>The one JSON object on standard output.</summary>
    public JsonElement Json()
    {
        using var document = JsonDocument.Parse(Output);
        return document.RootElement.Clone();
    }

    /// <summary>That it failed with the code and one line that has all of the texts.</summary>
    public void AssertFails(int code, params string[] texts)
    {
        Assert.True(Code == code, $"{Code}, expected {code}: {Error}");
        Assert.Empty(Output);
        Assert.StartsWith("pea: ", Error, StringComparison.Ordinal);
        Assert.Equal(Error.Length - 1, Error.IndexOf('\n', StringComparison.Ordinal));
        foreach (var text in texts) Assert.Contains(text, Error, StringComparison.Ordinal);
        Assert.DoesNotContain("internal error", Error, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", Error, StringComparison.Ordinal);
    }
}
