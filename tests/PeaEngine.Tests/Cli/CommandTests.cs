using PeaEngine.Cli;
using PeaEngine.Tests.Pipelines;

namespace PeaEngine.Tests.Cli;

/// <summary><c>pea</c>, <c>pea info</c> and <c>pea doctor</c>.</summary>
public class CommandTests
{
    [Fact]
    public void WithoutACommandItPointsToTheHelp()
    {
        CommandLine.Run().AssertFails(ExitCode.WrongUsage, "pea --help");
        CommandLine.Run("sampel").AssertFails(ExitCode.WrongUsage, "'sampel'", "pea --help");
        CommandLine.Run("sample", "one", "two").AssertFails(ExitCode.WrongUsage, "'two'", "pea sample --help");
    }

    [Fact]
    public void HelpListsEveryOption()
    {
        var run = CommandLine.Run("sample", "--help");
        Assert.Equal(ExitCode.Done, run.Code);
        foreach (var option in new[]
        {
            "model", "vae", "negative-prompt", "prompt-syntax", "steps", "guidance", "guidance-rescale", "scheduler", "eta", "seed", "width", "height", "original-size", "crop",
            "target-size", "clip-skip", "count", "init-image", "strength", "mask", "controlnet", "control-image", "control-scale", "control-start", "control-end", "canny", "guess-mode", "device", "dtype", "threads", "output", "save-latents", "json",
        }) Assert.Contains($"--{option} ", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void InfoTellsWhatACheckpointIs()
    {
        var pipeline = CommandLine.Run("info", SmallPipeline.Sdxl);
        Assert.Equal(ExitCode.Done, pipeline.Code);
        Assert.Contains("StableDiffusionXLPipeline", pipeline.Output, StringComparison.Ordinal);
        Assert.Contains("UNet2DConditionModel", pipeline.Output, StringComparison.Ordinal);

        var file = CommandLine.Run("info", Path.Combine(SmallPipeline.Sdxl, "vae", "diffusion_pytorch_model.safetensors"), "--json").Json();
        Assert.Equal("VAE (AutoencoderKL)", file.GetProperty("kind").GetString());
        Assert.Equal(file.GetProperty("parameters").GetInt64(), file.GetProperty("parts")[0].GetProperty("dtypes").GetProperty("F16").GetInt64());
    }

    [Fact]
    public void InfoRefusesWhatIsNoCheckpoint()
    {
        using var folder = new TemporaryFolder();
        CommandLine.Run("info").AssertFails(ExitCode.WrongUsage, "path");
        CommandLine.Run("info", folder.At("no")).AssertFails(ExitCode.Failed, folder.At("no"), "no such file");
        CommandLine.Run("info", folder.Path).AssertFails(ExitCode.Failed, folder.Path);
        CommandLine.Run("info", folder.Write("text.safetensors", "hello")).AssertFails(ExitCode.Failed, "text.safetensors");
    }

    [Fact]
    public void DoctorTellsWhatTheMachineHas()
    {
        var json = CommandLine.Run("doctor", "--json").Json();
        Assert.Equal(Environment.ProcessorCount.ToString(System.Globalization.CultureInfo.InvariantCulture), json.GetProperty("threads").GetString());
        Assert.Contains("PEA_CPU", json.GetProperty("kernels").GetString(), StringComparison.Ordinal);
        Assert.Contains("cublasLt", json.GetProperty("cublaslt_search").GetString(), StringComparison.OrdinalIgnoreCase);
        var text = CommandLine.Run("doctor");
        Assert.Equal((ExitCode.Done, ""), (text.Code, text.Error));
        foreach (var name in new[] { "processor", "threads", "features", "memory", "mpi", "cuda", "CUDA driver search" }) Assert.Contains(name, text.Output, StringComparison.Ordinal);
    }
}
