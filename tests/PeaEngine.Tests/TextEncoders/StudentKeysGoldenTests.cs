using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Formats;
using PeaEngine.Tests.Models;

namespace PeaEngine.Tests.TextEncoders;

/// <summary>The encoders of <c>golden/text</c> under the other keys that published checkpoints have: the same bits.</summary>
public class StudentKeysGoldenTests
{
    static readonly int[] Ids = [0, 7, 8, 9, 1, 1];
    static readonly byte[] Mask = [1, 1, 1, 1, 0, 0];

    public static TheoryData<string> Berts => Cases("bert", "xlm-roberta", "altclip_text_model", "chinese_clip_text_model");

    public static TheoryData<string> T5s => Cases("mt5", "umt5");

    public static TheoryData<string> Clips => Cases("clip_text_model");

    [Theory, MemberData(nameof(Berts))]
    public void BertsMayStandInsideOtherModels(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var expected = Run(name, key => key);
        Assert.Equal(expected, Run(name, key => "text_model." + key, "text_model.embeddings.position_ids", "vision_model.embeddings.position_ids", "visual_projection.weight", "logit_scale"));
        Assert.Equal(expected, Run(name, key => "module.bert." + key, "module.visual.conv1.weight", "module.logit_scale"));
        Assert.Equal(expected, Run(name, key => "text.transformer." + key, "text.proj.0.weight", "visual.conv1.weight"));
        Assert.Equal(expected, Run(name, key => "encoder." + key, "lm_head.bias", "cls.predictions.bias", "classifier.weight", "qa_outputs.weight"));
        // The names of TensorFlow's norms, and of AltCLIP's layers before transformers 5.
        Assert.Equal(expected, Run(name, key => key.Replace("LayerNorm.weight", "LayerNorm.gamma", StringComparison.Ordinal).Replace("LayerNorm.bias", "LayerNorm.beta", StringComparison.Ordinal)));
        Assert.Equal(expected, Run(name, key => key.Replace("encoder.layers.", "encoder.layer.", StringComparison.Ordinal)));
    }

    [Theory, MemberData(nameof(T5s))]
    public void T5sMayHaveADecoderAndTheirTableUnderEitherName(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var expected = Run(name, key => key);
        Assert.Equal(expected, Run(name, key => key, "decoder.embed_tokens.weight", "decoder.block.0.layer.0.SelfAttention.q.weight", "lm_head.weight", "encoder.embed_tokens.weight"));
        Assert.Equal(expected, Run(name, key => key == "shared.weight" ? "encoder.embed_tokens.weight" : key));
        Assert.Equal(expected, Run(name, key => "text.transformer." + key, "text.proj.weight", "visual.proj"));
    }

    [Theory, MemberData(nameof(Clips))]
    public void ClipMayHaveItsImageTower(string name)
    {
        if (!GoldenFolder.IsAbsent(name)) Assert.Equal(Run(name, key => key), Run(name, key => key, "vision_model.class_embedding", "visual_projection.weight", "logit_scale"));
    }

    [Theory, MemberData(nameof(Berts)), MemberData(nameof(T5s)), MemberData(nameof(Clips))]
    public void AKeyThatNobodyKnowsIsAnError(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var error = Assert.Throws<PeaException>(() => Run(name, key => key, "encoder.unheard_of.weight"));
        Assert.Contains("1 tensors that this architecture does not have, such as 'encoder.unheard_of.weight'", error.Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Berts)), MemberData(nameof(Clips))]
    public void AConfigurationMayBeAPartOfALargerOne(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var config = JsonConfig.Load(GoldenFolder.At("text", name, "config.json"));
        if (config.String("model_type").Split("_text_model") is not [var whole, ""]) return;
        using var folder = new TemporaryFolder();
        File.Copy(GoldenFolder.At("text", name, "model.safetensors"), folder.At("model.safetensors"));
        var text = File.ReadAllText(GoldenFolder.At("text", name, "config.json")).Replace($"\"model_type\": \"{config.String("model_type")}\",", "", StringComparison.Ordinal);
        folder.Write("config.json", $$"""{"model_type": "{{whole}}", "projection_dim": {{config.Int("projection_dim", 512)}}, "text_config": {{text}}, "vision_config": { } }""");
        Assert.Equal(Run(GoldenFolder.At("text", name)), Run(folder.Path));
    }

    static TheoryData<string> Cases(params string[] types) => GoldenFolder.Cases("text", name => File.Exists(GoldenFolder.At("text", name, "model.safetensors"))
        && types.Contains(JsonConfig.Load(GoldenFolder.At("text", name, "config.json")).OptionalString("model_type")));

    static float[] Run(string folder)
    {
        using var fixture = new ModelFixture();
        using var model = StudentFiles.Find(folder).Load(fixture.Backend, out _, out _);
        return fixture.Download(model.Forward(fixture.Pass, Ids, Mask, 1));
    }

    static float[] Run(string name, Func<string, string> rename, params string[] more)
    {
        using var fixture = new ModelFixture();
        using var stored = DiffusersFolder.Open(GoldenFolder.At("text", name)).OpenWeights();
        using var source = new RenamedTensors(stored, rename, more);
        var config = JsonConfig.Load(GoldenFolder.At("text", name, "config.json"));
        using IStudentModel model = config.String("model_type") switch
        {
            "mt5" or "umt5" => T5EncoderModel.Load(fixture.Backend, config, source),
            "clip_text_model" => ClipTextModel.Load(fixture.Backend, config, source),
            _ => BertModel.Load(fixture.Backend, BertConfig.Read(config), source),
        };
        return fixture.Download(model.Forward(fixture.Pass, Ids, Mask, 1));
    }
}
