using PeaEngine.Formats;

namespace PeaEngine.Diffusion.TextEncoders;

/// <summary>transformers' CLIPTextConfig, with its defaults for missing keys.</summary>
public sealed record ClipTextConfig
{
    const int Largest = 1 << 24;

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <exception cref="PeaException">It is another model's, or a value is out of range.</exception>
    public ClipTextConfig(JsonConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (config.String("model_type", "clip_text_model") != "clip_text_model") throw config.Wrong("model_type", "clip_text_model");
        VocabSize = Positive("vocab_size", 49408);
        HiddenSize = Positive("hidden_size", 512);
        IntermediateSize = Positive("intermediate_size", 2048);
        ProjectionDim = Positive("projection_dim", 512);
        HiddenLayers = Positive("num_hidden_layers", 12);
        AttentionHeads = Positive("num_attention_heads", 8);
        MaxPositions = Positive("max_position_embeddings", 77);
        HiddenActivation = TextEncoders.HiddenActivation.Read(config, "hidden_act", "quick_gelu");
        LayerNormEpsilon = (float)config.Float("layer_norm_eps", 1e-5);
        EosTokenId = config.Int("eos_token_id", 49407);
        HasProjection = config.Strings("architectures", []).Contains("CLIPTextModelWithProjection");
        if (HiddenSize % AttentionHeads != 0) throw config.Wrong("num_attention_heads", $"a divisor of hidden_size {HiddenSize}");

        int Positive(string key, int missing) => config.Int(key, missing) is > 0 and <= Largest and var value ? value : throw config.Wrong(key, $"1 to {Largest}");
    }

    /// <summary>The number of token ids.</summary>
    public int VocabSize { get; }

    /// <summary>The channels of a hidden state.</summary>
    public int HiddenSize { get; }

    /// <summary>The channels between a layer's two linears.</summary>
    public int IntermediateSize { get; }

    /// <summary>The channels of the pooled embedding, where the checkpoint has a projection.</summary>
    public int ProjectionDim { get; }

    /// <summary>The number of layers.</summary>
    public int HiddenLayers { get; }

    /// <summary>The attention heads of a layer.</summary>
    public int AttentionHeads { get; }

    /// <summary>The most tokens of a sequence.</summary>
    public int MaxPositions { get; }

    /// <summary>The activation between a layer's two linears.</summary>
    public Activation HiddenActivation { get; }

    /// <summary>What the norms add to the variance.</summary>
    public float LayerNormEpsilon { get; }

    /// <summary>The token whose state is the pooled one; 2 stands for the largest id, as transformers keeps it for old configurations.</summary>
    public int EosTokenId { get; }

    /// <summary>Whether the configuration says that the pooled state is projected.</summary>
    public bool HasProjection { get; }
}
