using System.Text;
using PeaEngine.Backends;
using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Formats;
using PeaEngine.Tests.Models;

namespace PeaEngine.Tests.TextEncoders;

public class ClipTextModelTests
{
    static string Encoder(string name) => Path.Combine(Repository.Root, "samples", "emoji", "teacher", name);

    [Fact]
    public void MissingKeysAreTransformersDefaults()
    {
        var config = new ClipTextConfig(Parse("{}"));
        Assert.Equal((49408, 512, 2048, 512, 12, 8), (config.VocabSize, config.HiddenSize, config.IntermediateSize, config.ProjectionDim, config.HiddenLayers, config.AttentionHeads));
        Assert.Equal((77, Activation.QuickGelu, 1e-5f, 49407, false), (config.MaxPositions, config.HiddenActivation, config.LayerNormEpsilon, config.EosTokenId, config.HasProjection));
        Assert.Equal(Activation.GeluTanh, new ClipTextConfig(Parse("""{"hidden_act":"gelu_pytorch_tanh"}""")).HiddenActivation);
    }

    [Theory]
    [InlineData("""{"hidden_act":"mish"}""", "hidden_act is '\"mish\"', expected gelu, quick_gelu")]
    [InlineData("""{"num_attention_heads":7}""", "num_attention_heads is '7', expected a divisor of hidden_size 512")]
    [InlineData("""{"hidden_size":0}""", "hidden_size is '0', expected 1 to ")]
    [InlineData("""{"num_hidden_layers":-1}""", "num_hidden_layers is '-1', expected 1 to ")]
    [InlineData("""{"model_type":"bert"}""", "model_type is '\"bert\"', expected clip_text_model")]
    public void AConfigurationThatDoesNotWorkIsNamed(string json, string message) =>
        Assert.Contains(message, Assert.Throws<PeaException>(() => new ClipTextConfig(Parse(json))).Message, StringComparison.Ordinal);

    [Fact]
    public void IdsAndLayersAreChecked()
    {
        using var fixture = new ModelFixture();
        using var source = DiffusersFolder.Open(Encoder("text_encoder")).OpenWeights();
        using var model = ClipTextModel.Load(fixture.Backend, DiffusersFolder.Open(Encoder("text_encoder")).Config, source);
        AssertRefused("id 3072 at 1, text_model.embeddings.token_embedding.weight has the ids 0 to 3071", [3070, 3072], 1, 0);
        AssertRefused("id -1 at 0", [0, 0, -1, 0], 2, 0);
        AssertRefused("33 tokens, expected at most 32", new int[33], 1, 0);
        AssertRefused("3 ids in a batch of 2", new int[3], 2, 0);
        AssertRefused("4 layers to skip, expected 0 to 3", [1], 1, 4);
        AssertRefused("-1 layers to skip, expected 0 to 3", [1], 1, -1);

        void AssertRefused(string message, int[] ids, int batch, int skip)
        {
            var error = Assert.Throws<PeaException>(() => model.Forward(fixture.Pass, ids, batch, skip));
            Assert.Contains(message, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ThePooledStateIsTheFirstEndTokens()
    {
        using var fixture = new ModelFixture();
        using var source = DiffusersFolder.Open(Encoder("text_encoder_2")).OpenWeights();
        using var model = ClipTextModel.Load(fixture.Backend, DiffusersFolder.Open(Encoder("text_encoder_2")).Config, source);
        Assert.Equal(192, model.PooledSize);
        // The model is causal: what follows the first end token changes nothing, what precedes it does.
        var first = Pooled([3070, 5, 3071, 0, 0, 0]);
        Assert.Equal(first, Pooled([3070, 5, 3071, 9, 3071, 7]));
        Assert.NotEqual(first, Pooled([3070, 6, 3071, 0, 0, 0]));
        // Without an end token it is the first state.
        Assert.Equal(Pooled([3070, 5, 6, 7, 8, 9]), Pooled([3070, 1, 2, 3, 4, 5]));

        float[] Pooled(int[] ids) => fixture.Download(model.Forward(fixture.Pass, ids, 1, pooled: true).Pooled!.Value);
    }

    [Fact]
    public void OnlyWhatIsAskedForIsComputed()
    {
        using var backend = new NullBackend();
        using var source = DiffusersFolder.Open(Encoder("text_encoder_2")).OpenWeights();
        using var model = ClipTextModel.Load(backend, DiffusersFolder.Open(Encoder("text_encoder_2")).Config, source);
        using var arena = new Arena(backend, 1 << 24);
        var p = new Pass(backend, arena);
        var all = Launches(() => model.Forward(p, new int[32], 1));
        var skipping = Launches(() => model.Forward(p, new int[32], 1, skipLayers: 1));
        var pooled = Launches(() => model.Forward(p, new int[32], 1, skipLayers: 1, finalLayerNorm: false, pooled: true));
        // A layer is two norms, four projections, the attention and two linears; pooling copies the states and a row, norms and projects.
        Assert.Equal(9, all - skipping);
        Assert.Equal(all - 1 + 4, pooled);

        long Launches(Action forward)
        {
            var before = backend.Launches;
            forward();
            return backend.Launches - before;
        }
    }

    [Fact]
    public void ACheckpointThatDoesNotFitIsNamed()
    {
        using var backend = new NullBackend();
        using var source = DiffusersFolder.Open(Encoder("text_encoder")).OpenWeights();
        const string sizes = "\"vocab_size\":3072,\"hidden_size\":128,\"intermediate_size\":512,\"max_position_embeddings\":32,\"num_attention_heads\":4";
        AssertRefused("no tensor 'text_model.encoder.layers.3.", $$"""{{{sizes}},"num_hidden_layers":4}""");
        AssertRefused("tensors that this architecture does not have, such as 'text_model.encoder.layers.2.", $$"""{{{sizes}},"num_hidden_layers":2}""");
        AssertRefused("no tensor 'text_projection.weight'", $$"""{{{sizes}},"num_hidden_layers":3,"architectures":["CLIPTextModelWithProjection"]}""");
        AssertRefused("tensor 'text_model.embeddings.token_embedding.weight'", "{}");

        void AssertRefused(string message, string config) =>
            Assert.Contains(message, Assert.Throws<PeaException>(() => ClipTextModel.Load(backend, Parse(config), source)).Message, StringComparison.Ordinal);
    }

    static JsonConfig Parse(string json) => JsonConfig.Parse(Encoding.UTF8.GetBytes(json), "config.json");
}
