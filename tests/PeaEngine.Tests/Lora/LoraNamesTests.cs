using PeaEngine.Diffusion.Lora;
using PeaEngine.Formats;
using PeaEngine.Tests.Formats;

namespace PeaEngine.Tests.Lora;

/// <summary>The same factors under every name that files give them are fused to the same bits.</summary>
public class LoraNamesTests
{
    [Theory]
    [InlineData("sdxl")]
    [InlineData("sd15")]
    [InlineData("ssd-1b")]
    public void EveryNamingOfAUNetIsUnderstood(string name)
    {
        using var model = new LoraModel(name);
        var lora = new RandomLora(model.Checkpoint, key => true, 2, seed: 1);
        var expected = Fused(model, lora.Peft("unet."));

        Assert.Equal(expected, Fused(model, lora.Kohya("lora_unet_")));
        Assert.Equal(expected, Fused(model, lora.Kohya("lora_unet_", alpha: 2)));
        Assert.Equal(expected, Fused(model, lora.Kohya("lora_unet_", rename: module => model.Originals.ToOriginal(module)!)));
        Assert.Equal(expected, Fused(model, lora.Peft("")));
        Assert.Equal(expected, Fused(model, lora.Dotted(module => $"unet.{module}.lora.down.weight", module => $"unet.{module}.lora.up.weight")));
        Assert.Equal(expected, Fused(model, lora.Kohya("lora_unet_").Select(RandomLora.Half)));
    }

    /// <summary>What training writes is read back as what it was: both kinds, with an alpha that is not the rank.</summary>
    [Fact]
    public void WhatTrainingWritesIsUnderstood()
    {
        using var model = new LoraModel();
        var lora = new RandomLora(model.Checkpoint, key => key.Contains(".attn", StringComparison.Ordinal), 4, seed: 1);
        var differences = new RandomDifferences(model.Checkpoint, seed: 2);

        Assert.Equal(Fused(model, lora.Kohya("lora_unet_", alpha: 6)), Fused(model, lora.Dotted(LoraNames.Down, LoraNames.Up), new Dictionary<string, string>([LoraNames.Notes(4, 6, ["to_q"])])));
        Assert.Equal(Fused(model, differences.Tensors("lora_unet_")), Fused(model, differences.Values.Select(pair =>
            TensorContent.FromSingles(LoraNames.Difference(pair.Key[..^".weight".Length]), model.Checkpoint.Tensors[pair.Key].Shape, pair.Value))));
    }

    /// <summary>diffusers' attention processors: <c>attn1.processor.to_out_lora.down.weight</c>.</summary>
    [Fact]
    public void OldAttentionProcessorsAreUnderstood()
    {
        using var model = new LoraModel();
        var lora = new RandomLora(model.Checkpoint, key => key.Contains(".attn", StringComparison.Ordinal), 4, seed: 1);
        string Old(string module, string part)
        {
            var at = module.LastIndexOf(".to_", StringComparison.Ordinal);
            return $"{module[..at]}.processor{module[at..].Replace("to_out.0", "to_out", StringComparison.Ordinal)}_lora.{part}.weight";
        }
        var expected = Fused(model, lora.Peft("unet."));

        Assert.Equal(expected, Fused(model, lora.Dotted(module => "unet." + Old(module, "down"), module => "unet." + Old(module, "up"))));
        Assert.Equal(expected, Fused(model, lora.Dotted(module => Old(module, "down"), module => Old(module, "up"))));
    }

    /// <summary>A 1×1 convolution and a matrix are the same, whichever the file and the model call it.</summary>
    [Theory]
    [InlineData("sd15")]
    [InlineData("sdxl")]
    public void PointwiseConvolutionsAndMatricesAreTheSame(string name)
    {
        using var model = new LoraModel(name);
        var lora = new RandomLora(model.Checkpoint, key => key.Contains("proj_in", StringComparison.Ordinal), 4, seed: 1);
        List<TensorContent> asStored = [.. lora.Kohya("lora_unet_", 1)];
        var turned = asStored.Select(tensor => tensor with { Info = new(tensor.Info.Name, tensor.Info.DType, tensor.Info.Shape.Count switch { 2 => [.. tensor.Info.Shape, 1, 1], 4 => [.. tensor.Info.Shape.Take(2)], _ => [] }) });

        Assert.Equal(Fused(model, asStored), Fused(model, turned));
    }

    /// <summary>torch.save's files hold the same, factors that are views of one storage too.</summary>
    [Fact]
    public void TorchFilesAreRead()
    {
        using var model = new LoraModel();
        using var folder = new TemporaryFolder();
        List<TensorContent> tensors = [.. new RandomLora(model.Checkpoint, key => key.Contains("mid_block.resnets", StringComparison.Ordinal), 4, seed: 1).Kohya("lora_unet_", 2)];
        var entries = new Dictionary<string, object?>();
        List<byte> storage = [];
        var total = tensors.Sum(tensor => tensor.Info.Elements);
        foreach (var (info, read) in tensors)
        {
            long[] shape = [.. info.Shape], strides = [.. shape.Select((_, i) => shape[(i + 1)..].Aggregate(1L, (a, b) => a * b))];
            entries.Add(info.Name, RawTorchFile.Tensor("0", total, storage.Count / sizeof(float), shape, strides));
            var bytes = new byte[info.Bytes];
            read(0, bytes);
            storage.AddRange(bytes);
        }
        File.WriteAllBytes(folder.At("lora.pt"), RawTorchFile.Archive(entries, ("data/0", [.. storage])));
        using var file = LoraFile.Open(folder.At("lora.pt"));
        model.Stack.Fuse(file, 0.5);
        var fused = model.Snapshot();
        model.Stack.Clear();

        Assert.Equal(Fused(model, tensors), fused);
    }

    [Theory]
    [InlineData("unet.mid_block.resnets.0.conv1.lora_A.weight", "unet", "mid_block.resnets.0.conv1", "Down")]
    [InlineData("text_encoder.text_model.encoder.layers.0.mlp.fc1.lora_linear_layer.up.weight", "text_encoder", "text_model.encoder.layers.0.mlp.fc1", "Up")]
    [InlineData("text_encoder_2.text_model.encoder.layers.0.self_attn.to_out_lora.up.weight", "text_encoder_2", "text_model.encoder.layers.0.self_attn.out_proj", "Up")]
    [InlineData("text_encoder.text_model.encoder.layers.0.self_attn.to_k_lora.down.weight", "text_encoder", "text_model.encoder.layers.0.self_attn.k_proj", "Down")]
    [InlineData("lora_te_text_model_encoder_layers_0_self_attn_q_proj.alpha", "text_encoder", "text_model_encoder_layers_0_self_attn_q_proj", "Alpha")]
    [InlineData("lora_te2_text_projection.lora_down.weight", "text_encoder_2", "text_projection", "Down")]
    [InlineData("mid_block.attentions.0.proj_in.alpha", "unet", "mid_block.attentions.0.proj_in", "Alpha")]
    public void KeysAreTakenApart(string key, string component, string module, string part) =>
        Assert.Equal(new LoraKey(component, module, Enum.Parse<LoraPart>(part)), LoraKey.Parse(key));

    [Theory]
    [InlineData("lora_unet_mid_block_attentions_0_proj_in.hada_w1_a")]
    [InlineData("lora_unet_mid_block_attentions_0_proj_in.lora_mid.weight")]
    [InlineData("lora_unet_mid_block_attentions_0_proj_in.dora_scale")]
    [InlineData("unet.mid_block.attentions.0.proj_in.lora_B.bias")]
    [InlineData("unet.mid_block.attentions.0.proj_in_lora.down.weight")]
    [InlineData("conv_in.weight")]
    [InlineData("")]
    public void OtherKeysAreNone(string key) => Assert.Null(LoraKey.Parse(key));

    static Dictionary<string, string> Fused(LoraModel model, IEnumerable<TensorContent> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        model.Stack.Fuse(model.Write(tensors, metadata), 0.5);
        var fused = model.Snapshot();
        model.Stack.Clear();
        return fused;
    }
}
