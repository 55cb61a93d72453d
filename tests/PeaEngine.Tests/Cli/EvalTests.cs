using System.Text.Json.Nodes;
using PeaEngine.Cli;
using PeaEngine.Diffusion.Images;
using PeaEngine.Formats;
using PeaEngine.Tests.Lora;
using PeaEngine.Tests.Pipelines;
using PeaEngine.Tests.Train;

namespace PeaEngine.Tests.Cli;

/// <summary><c>pea eval</c>, with the models of the samples and few cases.</summary>
public sealed class EvalTests : IDisposable
{
    static readonly string Samples = Path.Combine(Repository.Root, "samples", "emoji"), Adapter = Path.Combine(Samples, "reference-adapter.bin");

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void PrintsAndDrawsTheTable()
    {
        var run = CommandLine.Run("eval", "--adapter", Adapter, "--reference", SmallReference.Write(folder), "--output", folder.At("table.png"));

        Assert.True(run.Code == ExitCode.Done, run.Error);
        var lines = run.Output.TrimEnd().Split('\n', StringSplitOptions.TrimEntries);
        Assert.Equal(["distance", "seen", "reference", "unseen", "wrote"], lines.Select(line => line.Split(' ')[0]));
        Assert.True(PixelImage.Load(folder.At("table.png")).Width > 200);
        Assert.Contains("prediction 24/24, ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void JsonHasADistanceForEachLanguageAndSplit()
    {
        var json = CommandLine.Run("eval", "--adapter", Adapter, "--reference", SmallReference.Write(folder), "--json").Json();

        Assert.Equal(["adapter", "seen.zh", "seen.it", "seen.mean", "unseen.zh", "unseen.it", "unseen.mean", "seconds"], json.EnumerateObject().Select(property => property.Name));
        double Of(string key) => json.GetProperty(key).GetDouble();
        Assert.InRange(Of("seen.zh"), 0.01, 0.9);
        Assert.Equal((Of("unseen.zh") + Of("unseen.it")) / 2, Of("unseen.mean"), 2e-6);
    }

    /// <summary>Distances are the same for weights that are rounded when they are loaded and for such as are stored so.</summary>
    [Fact]
    public void TheAdapterIsRounded()
    {
        var (reference, initial, rounded) = (SmallReference.Write(folder), Path.Combine(Samples, "initial-adapter.safetensors"), folder.At("rounded.safetensors"));
        Assert.Equal(ExitCode.Done, CommandLine.Run("convert", initial, rounded, "--dtype", "f16").Code);
        string Line(string adapter) => CommandLine.Run("eval", "--adapter", adapter, "--reference", reference, "--json").Json().GetProperty("unseen.it").GetRawText();
        Assert.Equal(Line(rounded), Line(initial));
    }

    /// <summary>The student's UNet alone has it, times its scale: with random values a student sees another text, while the teacher's predictions, and those without a text, stay.</summary>
    [Fact]
    public void ALoraIsTheStudents()
    {
        var reference = SmallReference.Write(folder);
        using (var unet = SafetensorsFile.Open(Path.Combine(Samples, "teacher", "unet", "diffusion_pytorch_model.safetensors")))
            SafetensorsWriter.Write(folder.At("lora.safetensors"), new RandomLora(unet, name => name.Contains("attn2.to_v", StringComparison.Ordinal), 2, 1).Peft("unet."));
        double[] Distances(params string[] loras)
        {
            var run = CommandLine.Run(["eval", "--adapter", Adapter, "--reference", reference, "--json", .. loras.SelectMany(lora => new[] { "--lora", folder.At($"lora.safetensors:{lora}") })]);
            Assert.True(run.Code == ExitCode.Done, run.Error);
            return [run.Json().GetProperty("seen.mean").GetDouble(), run.Json().GetProperty("unseen.mean").GetDouble()];
        }
        double[] without = Distances(), least = Distances("1e-6"), most = Distances("30");
        for (var split = 0; split < without.Length; split++)
        {
            Assert.Equal(without[split], least[split], 1e-4);
            Assert.True(most[split] > 10 * without[split], $"{most[split]}, without a LoRA {without[split]}");
        }
    }

    [Fact]
    public void WhatDoesNotGoTogetherIsOneLine()
    {
        var reference = SmallReference.Write(folder);
        CommandLine.Run("eval").AssertFails(ExitCode.WrongUsage, "--adapter");
        Eval(reference, "--threads", "0").AssertFails(ExitCode.WrongUsage, "threads: 0, expected 1 to 1024");
        Eval(reference, "--lora", Adapter).AssertFails(ExitCode.Failed, "reference-adapter.bin: tensor", "expected a LoRA's");
        Eval(reference, "--output", folder.At("a.txt")).AssertFails(ExitCode.WrongUsage, "a.txt', expected a name that ends in .png");
        Eval(reference, "--output", folder.At("no", "a.png")).AssertFails(ExitCode.Failed, "a.png: no folder");
        Eval(folder.At("other.json")).AssertFails(ExitCode.Failed, "other.json: no such file");
        Eval(reference, "--model", SmallPipeline.Sdxl).AssertFails(ExitCode.Failed, "adapter: a sequence of 320 channels, the UNet of");
        Eval(SmallReference.Write(folder, channels: 3)).AssertFails(ExitCode.Failed, "noise [2,3,16,16], the UNet of", "takes 4 channels and gives 4");
        Eval(SmallReference.Write(folder, json => json["inputs"]!["student_tokens"] = 4096)).AssertFails(ExitCode.WrongUsage, "4096 tokens, expected a student length of 1 to");
        Eval(SmallReference.Write(folder, json => json["inputs"]!["time_ids"] = new JsonArray(64))).AssertFails(ExitCode.Failed, "time");
    }

    static CommandLine Eval(string reference, params string[] arguments) => CommandLine.Run(["eval", "--adapter", Adapter, "--reference", reference, .. arguments]);
}
