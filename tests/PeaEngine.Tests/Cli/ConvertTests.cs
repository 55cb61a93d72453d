using PeaEngine.Cli;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Cli;

/// <summary><c>pea convert</c>.</summary>
public sealed class ConvertTests : IDisposable
{
    static readonly string Tied = Path.Combine(Repository.Root, "tests", "golden", "torch-files", "good", "tied.bin");

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void SaysWhatItWrote()
    {
        var to = folder.At("out.safetensors");

        var plain = CommandLine.Run("convert", Tied, to);
        Assert.Equal((ExitCode.Done, "", $"wrote {to}: 4 tensors, 0.0 MiB\n"), (plain.Code, plain.Error, plain.Output.ReplaceLineEndings("\n")));

        var json = CommandLine.Run("convert", Tied, to, "--dtype", "bf16", "--json").Json();
        Assert.Equal((to, 4, 64), (json.GetProperty("weights")[0].GetProperty("path").GetString(), json.GetProperty("weights")[0].GetProperty("tensors").GetInt32(), json.GetProperty("weights")[0].GetProperty("bytes").GetInt64()));
        using var file = SafetensorsFile.Open(to);
        Assert.All(file.Tensors.Values, info => Assert.Equal(DType.BF16, info.DType));
    }

    [Fact]
    public void RefusesWithOneLine()
    {
        CommandLine.Run("convert", Tied).AssertFails(ExitCode.WrongUsage, "pea convert --help");
        foreach (var type in new[] { "f64", "i8", "1", "half" })
            CommandLine.Run("convert", Tied, folder.At("out.safetensors"), "--dtype", type).AssertFails(ExitCode.WrongUsage, $"dtype: '{type}', expected f16, bf16 or f32");
        CommandLine.Run("convert", Tied, folder.At("out.ckpt")).AssertFails(ExitCode.WrongUsage, "out.ckpt", ".safetensors or .bin");
        CommandLine.Run("convert", folder.At("absent"), folder.At("out.safetensors")).AssertFails(ExitCode.Failed, folder.At("absent"), "no such file");
        CommandLine.Run("convert", Tied, folder.At("no", "out.safetensors")).AssertFails(ExitCode.Failed, folder.At("no"));
        CommandLine.Run("convert", folder.Write("bad.pt", "text"), folder.At("out.safetensors")).AssertFails(ExitCode.Failed, "bad.pt", "unknown");
        Assert.Equal(["bad.pt"], folder.Files());
    }
}
