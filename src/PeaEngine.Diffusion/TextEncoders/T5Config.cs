using PeaEngine.Formats;

namespace PeaEngine.Diffusion.TextEncoders;

/// <summary>transformers' MT5Config and UMT5Config as far as the encoder goes, with their defaults for missing keys; also T5's where it has gated layers.</summary>
public sealed record T5Config
{
    const int Largest = 1 << 24;

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <exception cref="PeaException">It is another model's, or asks for something that is not implemented, or a value is out of range.</exception>
    public T5Config(JsonConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var type = config.String("model_type", "mt5");
        if (type is not ("t5" or "mt5" or "umt5")) throw config.Wrong("model_type", "t5, mt5 or umt5");
        HasBiasInEveryBlock = type == "umt5";
        VocabSize = Positive("vocab_size", type == "t5" ? 32128 : 250112);
        HiddenSize = Positive("d_model", 512);
        HeadSize = Positive("d_kv", 64);
        IntermediateSize = Positive("d_ff", type == "t5" ? 2048 : 1024);
        HiddenLayers = Positive("num_layers", type == "t5" ? 6 : 8);
        AttentionHeads = Positive("num_heads", type == "t5" ? 8 : 6);
        RelativeAttentionBuckets = Positive("relative_attention_num_buckets", 32);
        RelativeAttentionDistance = Positive("relative_attention_max_distance", 128);
        LayerNormEpsilon = (float)config.Float("layer_norm_epsilon", 1e-6);
        GateActivation = config.String("feed_forward_proj", type == "t5" ? "relu" : "gated-gelu") switch
        {
            // transformers reads this name as gelu_new, whatever else says the word gelu.
            "gated-gelu" => Activation.GeluTanh,
            "gated-silu" => Activation.Silu,
            _ => throw config.Wrong("feed_forward_proj", "gated-gelu or gated-silu"),
        };
        // Half of the buckets are for each direction, and half of those for distances of their own.
        if (RelativeAttentionBuckets % 4 != 0) throw config.Wrong("relative_attention_num_buckets", "a multiple of 4");
        if (RelativeAttentionDistance <= RelativeAttentionBuckets / 4) throw config.Wrong("relative_attention_max_distance", $"more than {RelativeAttentionBuckets / 4}");

        int Positive(string key, int missing) => config.Int(key, missing) is > 0 and <= Largest and var value ? value : throw config.Wrong(key, $"1 to {Largest}");
    }

    /// <summary>The number of token ids.</summary>
    public int VocabSize { get; }

    /// <summary>The channels of a hidden state.</summary>
    public int HiddenSize { get; }

    /// <summary>The channels of a head; all heads together may be wider or narrower than a hidden state.</summary>
    public int HeadSize { get; }

    /// <summary>The channels between a layer's two linears.</summary>
    public int IntermediateSize { get; }

    /// <summary>The number of layers.</summary>
    public int HiddenLayers { get; }

    /// <summary>The attention heads of a layer.</summary>
    public int AttentionHeads { get; }

    /// <summary>The number of classes of distances between two tokens.</summary>
    public int RelativeAttentionBuckets { get; }

    /// <summary>From this distance on all are of one class.</summary>
    public int RelativeAttentionDistance { get; }

    /// <summary>Whether every block has a table of biases of its own, as in umT5, or the first one's serves all.</summary>
    public bool HasBiasInEveryBlock { get; }

    /// <summary>The activation of the gates.</summary>
    public Activation GateActivation { get; }

    /// <summary>What the norms add to the mean of the squares.</summary>
    public float LayerNormEpsilon { get; }
}
