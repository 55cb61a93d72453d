using PeaEngine.Formats;

namespace PeaEngine.Tests.Formats;

public sealed class DiffusersFolderTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    static string Golden(params string[] parts) => Path.Combine([Repository.Root, "tests", "golden", .. parts]);

    void WriteWeights(string name, float value) => SafetensorsWriter.Write(folder.At(name), [TensorContent.FromSingles("a", [1], new[] { value })]);

    float Value()
    {
        using var tensors = new GoldenTensors(DiffusersFolder.Open(folder.Path).OpenWeights());
        return tensors["a"].Values[0];
    }

    [Fact]
    public void OpensAPipelineAsDiffusersSavesIt()
    {
        var pipeline = DiffusersFolder.Open(Golden("pipeline", "sd15-random", "model"));

        Assert.True(pipeline.IsPipeline);
        Assert.Equal("StableDiffusionPipeline", pipeline.ClassName);
        Assert.False(pipeline.Config.Bool("requires_safety_checker"));
        Assert.Equal(["scheduler", "text_encoder", "tokenizer", "unet", "vae"], pipeline.Components.Keys);
        Assert.Equal(new DiffusersComponent("transformers", "CLIPTextModel"), pipeline.Components["text_encoder"]);
        Assert.Equal("UNet2DConditionModel", pipeline.Component("unet").ClassName);
        Assert.Equal("CLIPTextModel", pipeline.Component("text_encoder").ClassName);
        Assert.Equal("PNDMScheduler", pipeline.Component("scheduler").ClassName);
        using var weights = pipeline.Component("unet").OpenWeights();
        Assert.Contains("conv_in.weight", weights.Tensors.Keys);
        Assert.Contains("no component 'safety_checker', only scheduler, ", Assert.Throws<PeaException>(() => pipeline.Component("safety_checker")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("diffusion_pytorch_model.safetensors")]
    [InlineData("model.safetensors")]
    [InlineData("diffusion_pytorch_model.fp16.safetensors")]
    [InlineData("model.fp16.safetensors")]
    public void FindsWholeWeights(string name)
    {
        WriteWeights(name, 1);

        Assert.Equal(1, Value());
    }

    [Theory]
    [InlineData("diffusion_pytorch_model.safetensors.index.json")]
    [InlineData("diffusion_pytorch_model.safetensors.index.fp16.json")]
    [InlineData("diffusion_pytorch_model.fp16.safetensors.index.json")]
    [InlineData("model.safetensors.index.json")]
    [InlineData("model.safetensors.index.fp16.json")]
    [InlineData("model.fp16.safetensors.index.json")]
    public void FindsShards(string name)
    {
        WriteWeights("part-00001-of-00001.safetensors", 2);
        folder.Write(name, """{"weight_map": {"a": "part-00001-of-00001.safetensors"}}""");

        Assert.Equal(2, Value());
    }

    [Theory]
    [InlineData("diffusion_pytorch_model.bin")]
    [InlineData("pytorch_model.bin")]
    [InlineData("diffusion_pytorch_model.fp16.bin")]
    [InlineData("pytorch_model.fp16.bin")]
    public void FindsTorchFiles(string name)
    {
        var root = new Dictionary<string, object?> { ["a"] = RawTorchFile.Tensor("0", 1, 0, [1], [1]) };
        File.WriteAllBytes(folder.At(name), RawTorchFile.Archive(root, ("data/0", RawTorchFile.Singles(3))));

        Assert.Equal(3, Value());
        WriteWeights("model.fp16.safetensors", 4);
        Assert.Equal(4, Value());
    }

    [Theory]
    [InlineData("pytorch_model.bin.index.json")]
    [InlineData("diffusion_pytorch_model.fp16.bin.index.json")]
    public void FindsShardsOfTorchFiles(string name)
    {
        var root = new Dictionary<string, object?> { ["a"] = RawTorchFile.Tensor("0", 1, 0, [1], [1]) };
        File.WriteAllBytes(folder.At("pytorch_model-00001-of-00001.bin"), RawTorchFile.Archive(root, ("data/0", RawTorchFile.Singles(5))));
        folder.Write(name, """{"weight_map": {"a": "pytorch_model-00001-of-00001.bin"}}""");

        Assert.Equal(5, Value());
    }

    [Fact]
    public void PrefersThePlainFile()
    {
        WriteWeights("model.fp16.safetensors", 1);
        WriteWeights("model.safetensors", 2);

        Assert.Equal(2, Value());
    }

    [Fact]
    public void SaysWhatItLookedFor()
    {
        folder.Write("weights.bin", "");
        var component = DiffusersFolder.Open(folder.Path);

        var weights = Assert.Throws<PeaException>(component.OpenWeights).Message;
        Assert.Equal($"{folder.Path}: no weights in this folder, expected diffusion_pytorch_model.safetensors, model.safetensors or pytorch_model.bin, or the index of their shards, or their fp16 variants", weights);
        Assert.Equal($"{folder.Path}: no pipeline in this folder, expected model_index.json", Assert.Throws<PeaException>(() => component.Component("unet")).Message);
        Assert.Contains("expected model_index.json or config.json or ", Assert.Throws<PeaException>(() => component.Config).Message, StringComparison.Ordinal);
        Assert.Contains("no such folder", Assert.Throws<PeaException>(() => DiffusersFolder.Open(folder.At("absent"))).Message, StringComparison.Ordinal);
        Assert.Contains("a file, expected a model folder", Assert.Throws<PeaException>(() => DiffusersFolder.Open(folder.At("weights.bin"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"unet": ["diffusers"]}""", "unet is a list of 1, expected a library and a class")]
    [InlineData("""{"unet": ["diffusers", 1]}""", "unet[1] is '1', expected a string")]
    [InlineData("""{"../unet": ["diffusers", "UNet2DConditionModel"]}""", "component '../unet', expected the name of a folder")]
    public void RefusesAnIndexOfAnotherForm(string index, string reason)
    {
        folder.Write("model_index.json", index);

        var exception = Assert.Throws<PeaException>(() => DiffusersFolder.Open(folder.Path).Components);

        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
    }
}
