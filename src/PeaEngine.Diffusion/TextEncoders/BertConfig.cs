using PeaEngine.Formats;

namespace PeaEngine.Diffusion.TextEncoders;

/// <summary>The sizes of a BERT or of one of its descendants, as transformers' configurations, cn_clip's, or the shapes of the weights tell them.</summary>
public sealed record BertConfig
{
    const int Largest = 1 << 24, BertPadding = 0, RobertaPadding = 1, InferredHeadSize = 64;
    const double BertEpsilon = 1e-12, RobertaEpsilon = 1e-5;

    BertConfig() { }

    /// <summary>The number of token ids.</summary>
    public int VocabSize { get; private init; }

    /// <summary>The channels of a hidden state.</summary>
    public int HiddenSize { get; private init; }

    /// <summary>The channels between a layer's two linears.</summary>
    public int IntermediateSize { get; private init; }

    /// <summary>The number of layers.</summary>
    public int HiddenLayers { get; private init; }

    /// <summary>The attention heads of a layer.</summary>
    public int AttentionHeads { get; private init; }

    /// <summary>The rows of the table of positions.</summary>
    public int MaxPositions { get; private init; }

    /// <summary>The rows of the table of token types, of which the first is added to every token.</summary>
    public int TypeVocabSize { get; private init; }

    /// <summary>The activation between a layer's two linears.</summary>
    public Activation HiddenActivation { get; private init; }

    /// <summary>What the norms add to the variance.</summary>
    public float LayerNormEpsilon { get; private init; }

    /// <summary>The id of padding, whose embedding is not trained: transformers' <c>pad_token_id</c>.</summary>
    public int PadTokenId { get; private init; }

    /// <summary>RoBERTa counts positions from one above this id, and gives padding the position of the id itself; null for BERT, which counts all tokens from 0.</summary>
    public int? PaddingIdx { get; private init; }

    /// <summary>The channels of AltCLIP's projected sequence; null for all others.</summary>
    public int? ProjectDim { get; private init; }

    /// <summary>The most tokens of a sequence.</summary>
    public int MaxTokens => MaxPositions - (PaddingIdx + 1 ?? 0);

    /// <summary>
    /// Reads a <c>config.json</c> of <c>bert</c>, <c>roberta</c>, <c>xlm-roberta</c>, <c>camembert</c>, <c>chinese_clip_text_model</c> or
    /// <c>altclip_text_model</c>, with transformers' defaults for missing keys.
    /// </summary>
    /// <exception cref="PeaException">It is another model's, or asks for something that is not implemented, or a value is out of range.</exception>
    public static BertConfig Read(JsonConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var type = config.String("model_type", "bert");
        var (isRoberta, isAltClip) = type switch
        {
            "bert" or "chinese_clip_text_model" => (false, false),
            "roberta" or "xlm-roberta" or "camembert" => (true, false),
            "altclip_text_model" => (true, true),
            _ => throw config.Wrong("model_type", "bert, roberta, xlm-roberta, camembert, chinese_clip_text_model or altclip_text_model"),
        };
        if (config.String("position_embedding_type", "absolute") != "absolute") throw config.Wrong("position_embedding_type", "absolute");
        if (config.Bool("is_decoder", false)) throw config.Wrong("is_decoder", "false");
        var sizes = Sizes(config, "", isAltClip ? (250002, 1024, 24, 16, 4096, 514, 1) : (type is "roberta" or "camembert" ? 50265 : 30522, 768, 12, 12, 3072, 512, 2));
        var padding = Positive(config, "pad_token_id", isRoberta ? RobertaPadding : BertPadding, least: 0);
        return sizes with
        {
            LayerNormEpsilon = (float)config.Float("layer_norm_eps", isAltClip ? RobertaEpsilon : BertEpsilon),
            PadTokenId = padding,
            PaddingIdx = isRoberta ? padding : null,
            ProjectDim = isAltClip ? Positive(config, "project_dim", 768) : null,
        };
    }

    /// <summary>Reads cn_clip's configuration of a text encoder, whose keys begin with <c>text_</c>.</summary>
    /// <exception cref="PeaException">A key is missing, an activation is not implemented, or a value is out of range.</exception>
    public static BertConfig ReadChineseClip(JsonConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return Sizes(config, "text_", null) with { LayerNormEpsilon = (float)BertEpsilon };
    }

    /// <summary>
    /// Reads the sizes off the weights: BERT, or RoBERTa where there is but one type of tokens; heads 64 wide and GELU, as all that were
    /// published without a configuration have them.
    /// </summary>
    /// <exception cref="PeaException">A tensor is missing or of another rank, or the channels do not divide into heads.</exception>
    public static BertConfig Infer(ITensorSource weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        var prefix = WeightStore.PrefixOf(weights, BertModel.WordEmbeddings);
        var (words, channels) = Matrix(BertModel.WordEmbeddings);
        var types = Matrix("embeddings.token_type_embeddings.weight").Rows;
        if (channels % InferredHeadSize != 0)
            throw new PeaException($"{weights.Path}: {channels} channels, expected a multiple of {InferredHeadSize} or a config.json that tells the number of attention heads");
        var layers = 0;
        while (weights.Tensors.ContainsKey($"{prefix}encoder.layer.{layers}.attention.self.query.weight")) layers++;
        return new()
        {
            VocabSize = words,
            HiddenSize = channels,
            IntermediateSize = Matrix("encoder.layer.0.intermediate.dense.weight").Rows,
            HiddenLayers = layers,
            AttentionHeads = channels / InferredHeadSize,
            MaxPositions = Matrix("embeddings.position_embeddings.weight").Rows,
            TypeVocabSize = types,
            HiddenActivation = Activation.Gelu,
            LayerNormEpsilon = (float)(types == 1 ? RobertaEpsilon : BertEpsilon),
            PadTokenId = types == 1 ? RobertaPadding : BertPadding,
            PaddingIdx = types == 1 ? RobertaPadding : null,
        };

        (int Rows, int Columns) Matrix(string name) =>
            weights.Tensors.TryGetValue(prefix + name, out var info) && info.Shape is [> 0 and <= Largest and var rows, > 0 and <= Largest and var columns]
                ? ((int)rows, (int)columns)
                : throw new PeaException($"{weights.Path}: tensor '{prefix}{name}' is {info?.ToString() ?? "missing"}, expected a matrix");
    }

    static BertConfig Sizes(JsonConfig config, string prefix, (int Vocab, int Hidden, int Layers, int Heads, int Intermediate, int Positions, int Types)? missing)
    {
        var sizes = new BertConfig
        {
            VocabSize = Positive(config, "vocab_size", missing?.Vocab),
            HiddenSize = Positive(config, prefix + "hidden_size", missing?.Hidden),
            HiddenLayers = Positive(config, prefix + "num_hidden_layers", missing?.Layers),
            AttentionHeads = Positive(config, prefix + "num_attention_heads", missing?.Heads),
            IntermediateSize = Positive(config, prefix + "intermediate_size", missing?.Intermediate),
            MaxPositions = Positive(config, prefix + "max_position_embeddings", missing?.Positions),
            TypeVocabSize = Positive(config, prefix + "type_vocab_size", missing?.Types),
            HiddenActivation = TextEncoders.HiddenActivation.Read(config, prefix + "hidden_act", "gelu"),
        };
        return sizes.HiddenSize % sizes.AttentionHeads == 0
            ? sizes
            : throw config.Wrong(prefix + "num_attention_heads", $"a divisor of {prefix}hidden_size {sizes.HiddenSize}");
    }

    static int Positive(JsonConfig config, string key, int? missing, int least = 1) =>
        config.Int(key, missing) is <= Largest and var value && value >= least ? value : throw config.Wrong(key, $"{least} to {Largest}");
}
