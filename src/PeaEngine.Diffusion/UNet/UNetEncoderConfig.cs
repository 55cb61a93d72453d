using System.Text.Json;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.UNet;

/// <summary>
/// What the <c>config.json</c> of a UNet and of a ControlNet say of the half that both have, with diffusers' defaults for missing keys.
/// An option whose value is not implemented is an error; <c>dropout</c>, <c>upcast_attention</c> and <c>use_linear_projection</c> change
/// nothing here.
/// </summary>
public abstract class UNetEncoderConfig
{
    /// <summary>More than this of anything is not a model but a mistake.</summary>
    const int Most = 1 << 16;

    /// <summary>Channels of the sample: 4, or 9 for inpainting.</summary>
    public int InChannels { get; }

    /// <summary>Whether pooled text and time ids are added to the time embedding (<c>addition_embed_type</c> text_time).</summary>
    public bool IsTextTime { get; }

    /// <summary>Features of each time id; 0 without text_time.</summary>
    public int AdditionTimeEmbedDim { get; }

    /// <summary>Pooled text and embedded time ids together; 0 without text_time.</summary>
    public int ProjectionClassEmbeddingsInputDim { get; }

    /// <summary>Features of an LCM's guidance embedding, 0 if it takes none.</summary>
    public int TimeCondProjDim { get; private protected init; }

    /// <summary>Features of the text, per block.</summary>
    public IReadOnlyList<int> CrossAttentionDim { get; }

    /// <summary>Channels per block, outermost first.</summary>
    public IReadOnlyList<int> BlockOutChannels { get; }

    /// <summary>What messages call the model.</summary>
    internal abstract string ModelName { get; }

    internal IReadOnlyList<string> DownBlockTypes { get; }
    internal string? MidBlockType { get; }
    internal IReadOnlyList<int> LayersPerBlock { get; }

    /// <summary>Named <c>attention_head_dim</c> in the file, which diffusers reads as the number of heads.</summary>
    internal IReadOnlyList<int> NumAttentionHeads { get; }

    /// <summary>Transformer blocks after each resnet of each down block; the middle has the first of the last.</summary>
    internal IReadOnlyList<IReadOnlyList<int>> DownTransformerLayers { get; }

    internal int TimeEmbedDim { get; private protected init; }
    internal bool FlipSinToCos { get; }
    internal float FreqShift { get; }
    internal int NormNumGroups { get; }
    internal float NormEps { get; }
    internal int DownsamplePadding { get; }
    internal int ConvInKernel { get; private protected init; } = 3;

    private protected UNetEncoderConfig(JsonConfig config)
    {
        UNetOptions.Check(config);
        var down = config.Strings("down_block_types", ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"]);
        var channels = config.Ints("block_out_channels", [320, 640, 1280, 1280]);
        var blocks = down.Length;
        if (blocks == 0 || channels.Length != blocks)
            throw new PeaException($"{config.Path}: {blocks} down_block_types and {channels.Length} block_out_channels, expected as many of each");
        UNetOptions.CheckTypes(config, "down_block_types", down, nameof(DownBlock2D), nameof(CrossAttnDownBlock2D));
        if (config.BoolList("only_cross_attention", blocks, false).Contains(true)) throw config.Wrong("only_cross_attention", "false");

        var layers = Positive(config, "layers_per_block", config.IntList("layers_per_block", blocks, 2));
        Positive(config, "block_out_channels", channels);
        InChannels = Positive(config, "in_channels", config.Int("in_channels", 4));
        IsTextTime = config.OptionalString("addition_embed_type") == "text_time";
        AdditionTimeEmbedDim = IsTextTime ? Positive(config, "addition_time_embed_dim", config.Int("addition_time_embed_dim")) : 0;
        ProjectionClassEmbeddingsInputDim = IsTextTime
            ? Positive(config, "projection_class_embeddings_input_dim", config.Int("projection_class_embeddings_input_dim")) : 0;
        CrossAttentionDim = Positive(config, "cross_attention_dim", config.IntList("cross_attention_dim", blocks, 1280));
        BlockOutChannels = channels;
        DownBlockTypes = down;
        MidBlockType = config.Has("mid_block_type") ? config.OptionalString("mid_block_type") : nameof(UNetMidBlock2DCrossAttn);
        LayersPerBlock = layers;
        NumAttentionHeads = Positive(config, "attention_head_dim", config.IntList("attention_head_dim", blocks, 8));
        DownTransformerLayers = TransformerLayers(config, "transformer_layers_per_block", layers);
        TimeEmbedDim = 4 * channels[0];
        FlipSinToCos = config.Bool("flip_sin_to_cos", true);
        FreqShift = (float)config.Float("freq_shift", 0);
        NormNumGroups = Positive(config, "norm_num_groups", config.Int("norm_num_groups", 32));
        NormEps = (float)config.Float("norm_eps", 1e-5);
        DownsamplePadding = OneOf(config, "downsample_padding", 1, 0, 1);
    }

    /// <summary>One number for all blocks, or a list with a number or a list of at least <paramref name="resnets"/>[i] numbers for block i.</summary>
    private protected static int[][] TransformerLayers(JsonConfig config, string key, int[] resnets)
    {
        if (!config.IsList(key))
        {
            var depth = Positive(config, key, config.Int(key, 1));
            return [.. resnets.Select(count => Enumerable.Repeat(depth, count).ToArray())];
        }
        var blocks = config.Element(key)!.Value;
        if (blocks.GetArrayLength() != resnets.Length) throw config.Wrong(key, $"a list of {resnets.Length}");
        var depths = new int[resnets.Length][];
        for (var i = 0; i < depths.Length; i++)
        {
            var block = blocks[i];
            var isList = block.ValueKind == JsonValueKind.Array;
            if (isList && block.GetArrayLength() < resnets[i])
                throw new PeaException($"{config.Path}: {key}[{i}] is a list of {block.GetArrayLength()}, expected at least {resnets[i]}, one for each resnet");
            depths[i] = new int[resnets[i]];
            for (var j = 0; j < depths[i].Length; j++)
            {
                var item = isList ? block[j] : block;
                if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt32(out depths[i][j]) || depths[i][j] is < 0 or > Most)
                    throw new PeaException($"{config.Path}: {key}[{i}] has {item.GetRawText()}, expected a number from 0 to {Most}");
            }
        }
        return depths;
    }

    private protected static int Positive(JsonConfig config, string key, int value) => Positive(config, key, [value])[0];

    private protected static int[] Positive(JsonConfig config, string key, int[] values)
    {
        foreach (var value in values)
            if (value is < 1 or > Most) throw new PeaException($"{config.Path}: {key} has {value}, expected 1 to {Most}");
        return values;
    }

    private protected static int OneOf(JsonConfig config, string key, int missing, int first, int second)
    {
        var value = config.Int(key, missing);
        return value == first || value == second ? value : throw config.Wrong(key, $"{first} or {second}");
    }
}
