using System.Text;
using PeaEngine.Backends;
using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Formats;

namespace PeaEngine.Tests.TextEncoders;

public class BertConfigTests
{
    [Fact]
    public void MissingKeysAreTransformersDefaults()
    {
        var bert = BertConfig.Read(Parse("{}"));
        Assert.Equal((30522, 768, 3072, 12, 12, 512, 2), (bert.VocabSize, bert.HiddenSize, bert.IntermediateSize, bert.HiddenLayers, bert.AttentionHeads, bert.MaxPositions, bert.TypeVocabSize));
        Assert.Equal((Activation.Gelu, 1e-12f, 0, null, null, 512), (bert.HiddenActivation, bert.LayerNormEpsilon, bert.PadTokenId, bert.PaddingIdx, bert.ProjectDim, bert.MaxTokens));
        var roberta = BertConfig.Read(Parse("""{"model_type":"xlm-roberta","max_position_embeddings":514}"""));
        Assert.Equal((1, 1, 512, 30522), (roberta.PadTokenId, roberta.PaddingIdx, roberta.MaxTokens, roberta.VocabSize));
        var altclip = BertConfig.Read(Parse("""{"model_type":"altclip_text_model"}"""));
        Assert.Equal((250002, 1024, 24, 1, 1e-5f, 1, 768), (altclip.VocabSize, altclip.HiddenSize, altclip.HiddenLayers, altclip.TypeVocabSize, altclip.LayerNormEpsilon, altclip.PaddingIdx, altclip.ProjectDim));
    }

    [Theory]
    [InlineData("""{"model_type":"gpt2"}""", "model_type is '\"gpt2\"', expected bert, roberta, xlm-roberta")]
    [InlineData("""{"position_embedding_type":"relative_key"}""", "position_embedding_type is '\"relative_key\"', expected absolute")]
    [InlineData("""{"is_decoder":true}""", "is_decoder is 'true', expected false")]
    [InlineData("""{"hidden_act":"mish"}""", "hidden_act is '\"mish\"', expected gelu")]
    [InlineData("""{"num_attention_heads":7}""", "num_attention_heads is '7', expected a divisor of hidden_size 768")]
    [InlineData("""{"vocab_size":0}""", "vocab_size is '0', expected 1 to ")]
    public void AConfigurationThatDoesNotWorkIsNamed(string json, string message) =>
        Assert.Contains(message, Assert.Throws<PeaException>(() => BertConfig.Read(Parse(json))).Message, StringComparison.Ordinal);

    [Fact]
    public void CnClipsConfigurationNeedsItsSizes() =>
        Assert.Contains("text_hidden_size is missing", Assert.Throws<PeaException>(() => BertConfig.ReadChineseClip(Parse("""{"vocab_size":21128}"""))).Message, StringComparison.Ordinal);

    // The sizes of bert-base-chinese, which cn_clip's ViT-B has, and of xlm-roberta-large, which OpenCLIP's ViT-H has.
    [Theory]
    [InlineData("""{"vocab_size":21128}""")]
    [InlineData("""{"model_type":"xlm-roberta","hidden_size":1024,"intermediate_size":4096,"layer_norm_eps":1e-5,"max_position_embeddings":514,"num_attention_heads":16,"num_hidden_layers":24,"type_vocab_size":1,"vocab_size":250002}""")]
    public void ShapesTellThePublishedSizes(string json)
    {
        using var backend = new NullBackend();
        using var source = new SyntheticTensors();
        var config = BertConfig.Read(Parse(json));
        BertModel.Load(backend, config, source).Dispose();
        Assert.Equal(config, BertConfig.Infer(source));
    }

    [Fact]
    public void HeadsOfAnotherWidthNeedAConfiguration()
    {
        using var backend = new NullBackend();
        using var source = new SyntheticTensors();
        BertModel.Load(backend, BertConfig.Read(Parse("""{"hidden_size":48,"num_attention_heads":4,"num_hidden_layers":1}""")), source).Dispose();
        Assert.Contains("48 channels, expected a multiple of 64 or a config.json", Assert.Throws<PeaException>(() => BertConfig.Infer(source)).Message, StringComparison.Ordinal);
    }

    static JsonConfig Parse(string json) => JsonConfig.Parse(Encoding.UTF8.GetBytes(json), "config.json");
}
