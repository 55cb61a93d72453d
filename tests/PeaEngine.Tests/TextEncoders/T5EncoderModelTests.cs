using System.Text;
using PeaEngine.Backends;
using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Formats;

namespace PeaEngine.Tests.TextEncoders;

public class T5EncoderModelTests
{
    [Fact]
    public void MissingKeysAreTransformersDefaults()
    {
        var config = new T5Config(Parse("{}"));
        Assert.Equal((250112, 512, 64, 1024, 8, 6, 32, 128), (config.VocabSize, config.HiddenSize, config.HeadSize, config.IntermediateSize, config.HiddenLayers, config.AttentionHeads,
            config.RelativeAttentionBuckets, config.RelativeAttentionDistance));
        Assert.Equal((Activation.GeluTanh, 1e-6f, false), (config.GateActivation, config.LayerNormEpsilon, config.HasBiasInEveryBlock));
        Assert.True(new T5Config(Parse("""{"model_type":"umt5"}""")).HasBiasInEveryBlock);
    }

    [Theory]
    [InlineData("""{"model_type":"bart"}""", "model_type is '\"bart\"', expected t5, mt5 or umt5")]
    [InlineData("""{"model_type":"t5"}""", "feed_forward_proj is missing, expected gated-gelu or gated-silu")]
    [InlineData("""{"feed_forward_proj":"gated-relu"}""", "feed_forward_proj is '\"gated-relu\"', expected gated-gelu or gated-silu")]
    [InlineData("""{"d_kv":0}""", "d_kv is '0', expected 1 to ")]
    [InlineData("""{"relative_attention_num_buckets":30}""", "relative_attention_num_buckets is '30', expected a multiple of 4")]
    [InlineData("""{"relative_attention_max_distance":8}""", "relative_attention_max_distance is '8', expected more than 8")]
    public void AConfigurationThatDoesNotWorkIsNamed(string json, string message) =>
        Assert.Contains(message, Assert.Throws<PeaException>(() => new T5Config(Parse(json))).Message, StringComparison.Ordinal);

    // transformers' T5Attention._relative_position_bucket; 16, 32 and 64 lie on the edges of their buckets.
    [Theory]
    [InlineData(0, 0), InlineData(-1, 1), InlineData(1, 17), InlineData(-7, 7), InlineData(7, 23), InlineData(-8, 8), InlineData(-11, 8), InlineData(-12, 9), InlineData(-15, 9)]
    [InlineData(-16, 10), InlineData(16, 26), InlineData(-22, 10), InlineData(-23, 11), InlineData(-32, 12), InlineData(32, 28), InlineData(-63, 13), InlineData(-64, 14), InlineData(-90, 14)]
    [InlineData(-91, 15), InlineData(-128, 15), InlineData(128, 31), InlineData(100000, 31)]
    public void DistancesFallIntoTransformersBuckets(int distance, int bucket) => Assert.Equal(bucket, RelativePositionBias.Bucket(distance, 32, 128));

    [Fact]
    public void ValuesAndGatesMustBeOfOneType()
    {
        using var backend = new NullBackend();
        using var source = new SyntheticTensors(name => name.EndsWith("wi_0.weight", StringComparison.Ordinal) ? DType.BF16 : DType.F16);
        var error = Assert.Throws<PeaException>(() => T5EncoderModel.Load(backend, Parse("""{"num_layers":1}"""), source));
        Assert.Contains("tensor 'encoder.block.0.layer.1.DenseReluDense.wi_0.weight' is [1024,512] BF16, expected F16 as 'encoder.block.0.layer.1.DenseReluDense.wi_1.weight'", error.Message, StringComparison.Ordinal);
    }

    static JsonConfig Parse(string json) => JsonConfig.Parse(Encoding.UTF8.GetBytes(json), "config.json");
}
