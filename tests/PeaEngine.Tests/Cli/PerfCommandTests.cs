using PeaEngine.Cli;

namespace PeaEngine.Tests.Cli;

/// <summary><c>pea perf</c>, which runs the suite in a process of its own.</summary>
public class PerfCommandTests
{
    [Fact]
    public void TheSuiteGetsItsArgumentsAndWhatItSaysIsPassedOn()
    {
        var run = CommandLine.Run("perf", "text-clip-l", "--static", "--shapes");
        Assert.Equal((ExitCode.Done, ""), (run.Code, run.Error));
        Assert.StartsWith("**Nothing was timed", run.Output, StringComparison.Ordinal);
        Assert.Contains("| text encoder, CLIP ViT-L | A100 SXM 40 GB |", run.Output, StringComparison.Ordinal);
        Assert.Contains("| layer_norm_f16 [2,77,768] |", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("UNet", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatTheSuiteDoesNotKnowIsWrongUsage()
    {
        var run = CommandLine.Run("perf", "unet-1025");
        Assert.Equal((ExitCode.WrongUsage, ""), (run.Code, run.Output));
        Assert.StartsWith("'unet-1025': expected [MODEL…]", run.Error, StringComparison.Ordinal);
    }
}
