using PeaEngine.Diffusion.Checkpoints;
using PeaEngine.Formats;
using PeaEngine.Tests.Pipelines;

namespace PeaEngine.Tests.Checkpoints;

/// <summary>A pipeline's folder made one file, and a file a folder again.</summary>
public sealed class SingleFileConversionTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public static TheoryData<string> Pipelines => [SmallPipeline.Sdxl, SmallPipeline.Sd15, Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(SmallPipeline.Sdxl))!, "sdxl-refiner-random", "model")];

    public void Dispose() => folder.Dispose();

    static IReadOnlyList<ConvertedWeights> Run(string from, string to, string? config = null) => CheckpointConversion.Run(from, to, new() { Config = config });

    [Theory]
    [MemberData(nameof(Pipelines))]
    public void ThereAndBackIsLossless(string pipeline)
    {
        Run(pipeline, folder.At("one.safetensors"));
        var written = Run(folder.At("one.safetensors"), folder.At("model"), pipeline);

        var original = DiffusersFolder.Open(pipeline);
        Assert.Equal(Files(pipeline), Files(folder.At("model")));
        foreach (var name in original.Components.Keys.Where(name => original.Component(name).FindWeights() != null))
        {
            using var expected = original.Component(name).OpenWeights();
            using var actual = DiffusersFolder.Open(folder.At("model", name)).OpenWeights();
            AssertSameButForRoot(expected, actual);
            Assert.Contains(written, weights => weights.Path == Path.Combine(folder.At("model"), name, Path.GetFileName(original.Component(name).FindWeights()!)) && weights.Tensors == expected.Tensors.Count);
        }
        foreach (var file in Files(pipeline).Where(file => Path.GetExtension(file) != ".safetensors"))
            Assert.Equal(File.ReadAllBytes(Path.Combine(pipeline, file)), File.ReadAllBytes(folder.At("model", file)));
    }

    /// <summary>A model that predicts the velocity is still known to when it is one file.</summary>
    [Fact]
    public void MarksWhatTheSchedulerSays()
    {
        var model = SmallPipeline.Copy(folder, SmallPipeline.Sdxl);
        JsonConfig.Load(Path.Combine(model, "scheduler", "scheduler_config.json")).With("prediction_type", "\"v_prediction\""u8).With("rescale_betas_zero_snr", "true"u8)
            .Save(Path.Combine(model, "scheduler", "scheduler_config.json"));

        Run(SmallPipeline.Sdxl, folder.At("plain.safetensors"));
        Run(model, folder.At("marked.safetensors"));

        using var plain = SafetensorsFile.Open(folder.At("plain.safetensors"));
        using var marked = SafetensorsFile.Open(folder.At("marked.safetensors"));
        Assert.Equal(["v_pred", "ztsnr"], marked.Tensors.Keys.Except(plain.Tensors.Keys).Order());
        Assert.Equal("[0] F32", marked.Tensors["v_pred"].ToString());
    }

    /// <summary>A recognised file needs no configurations: the folder's are written, with CLIP's tokenizer.</summary>
    [Fact]
    public void ARecognisedFilesFolderIsWhole()
    {
        var files = SingleFile.Read(() => new HeaderOnly(ReleasedModels.Header("stable-diffusion-xl-base-1.0")), null);

        files.WriteConfigs(folder.Path);

        var written = DiffusersFolder.Open(folder.Path);
        Assert.Equal(["scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "unet", "vae"], written.Components.Keys);
        Assert.Equal(files.Index.String("_class_name"), written.ClassName);
        foreach (var name in written.Components.Keys)
            if (name.StartsWith("tokenizer", StringComparison.Ordinal)) Assert.Equal(files.Tokenizer(name).Load().Encode("a cat"), new TokenizerFiles(written.Component(name).Path).Load().Encode("a cat"));
            else Assert.Equal(written.Components[name].ClassName, written.Component(name).ClassName);
    }

    [Fact]
    public void ConfigurationsAreRefusedWhereNothingNeedsThem()
    {
        Assert.Throws<OptionException>(() => Run(SmallPipeline.Sdxl, folder.At("one.safetensors"), SmallPipeline.Sdxl));
        Assert.Throws<OptionException>(() => Run(SmallPipeline.Sdxl, folder.At("model"), SmallPipeline.Sdxl));
        Assert.Empty(folder.Files());
    }

    static string[] Files(string path) => [.. Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(path, file)).Order(StringComparer.Ordinal)];

    /// <summary>A text encoder's keys may lack their beginning, which the file always has.</summary>
    static void AssertSameButForRoot(ITensorSource expected, ITensorSource actual)
    {
        var hasRoot = expected.Tensors.Keys.Any(key => key.StartsWith(ClipKeys.Root, StringComparison.Ordinal)) || !actual.Tensors.Keys.Any(key => key.StartsWith(ClipKeys.Root, StringComparison.Ordinal));
        if (hasRoot)
        {
            CheckpointConversionTests.AssertSame(expected, actual);
            return;
        }
        using var rooted = new Models.DerivedTensors(expected, info => info with { Name = info.Name.StartsWith("text_projection", StringComparison.Ordinal) ? info.Name : ClipKeys.Root + info.Name });
        CheckpointConversionTests.AssertSame(rooted, actual);
    }
}
