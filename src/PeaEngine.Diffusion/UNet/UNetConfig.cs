using System.Text.Json;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.UNet;

/// <summary>
/// The <c>config.json</c> of a <see cref="UNet2DConditionModel"/>, with diffusers' defaults for missing keys. An option whose value is
/// not implemented is an error; <c>dropout</c>, <c>upcast_attention</c> and <c>use_linear_projection</c> change nothing here.
/// </summary>
public sealed class UNetConfig
{
    /// <summary>More than this of anything is not a UNet but a mistake.</summary>
    const int Most = 1 << 16;

    /// <summary>Channels of the sample: 4, or 9 for inpainting.</summary>
    public int InChannels { get; }

    /// <summary>Channels of the prediction.</summary>
    public int OutChannels { get; }

    /// <summary>The default height of the latents, or none.</summary>
    public int? SampleHeight { get; }

    /// <summary>The default width of the latents, or none.</summary>
    public int? SampleWidth { get; }

    /// <summary>Whether pooled text and time ids are added to the time embedding (<c>addition_embed_type</c> text_time).</summary>
    public bool IsTextTime { get; }

    /// <summary>Features of each time id; 0 without text_time.</summary>
    public int AdditionTimeEmbedDim { get; }

    /// <summary>Pooled text and embedded time ids together; 0 without text_time.</summary>
    public int ProjectionClassEmbeddingsInputDim { get; }

    /// <summary>Features of an LCM's guidance embedding, 0 if it takes none.</summary>
    public int TimeCondProjDim { get; }

    /// <summary>Features of the text, per block.</summary>
    public IReadOnlyList<int> CrossAttentionDim { get; }

    /// <summary>Channels per block, outermost first.</summary>
    public IReadOnlyList<int> BlockOutChannels { get; }

    internal IReadOnlyList<string> DownBlockTypes { get; }
    internal IReadOnlyList<string> UpBlockTypes { get; }
    internal string? MidBlockType { get; }
    internal IReadOnlyList<int> LayersPerBlock { get; }

    /// <summary>Named <c>attention_head_dim</c> in the file, which diffusers reads as the number of heads.</summary>
    internal IReadOnlyList<int> NumAttentionHeads { get; }

    /// <summary>Transformer blocks after each resnet of each down block; the middle has the first of the last.</summary>
    internal IReadOnlyList<IReadOnlyList<int>> DownTransformerLayers { get; }

    /// <summary>Transformer blocks after each resnet of each up block, counted from the middle.</summary>
    internal IReadOnlyList<IReadOnlyList<int>> UpTransformerLayers { get; }

    internal int TimeEmbedDim { get; }
    internal bool FlipSinToCos { get; }
    internal float FreqShift { get; }
    internal int NormNumGroups { get; }
    internal float NormEps { get; }
    internal int DownsamplePadding { get; }
    internal int ConvInKernel { get; }
    internal int ConvOutKernel { get; }

    /// <summary>Reads a configuration.</summary>
    /// <exception cref="PeaException">A key has a wrong type, or a value that is not implemented.</exception>
    public UNetConfig(JsonConfig config)
    {
        UNetOptions.Check(config);
        var down = config.Strings("down_block_types", ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"]);
        var up = config.Strings("up_block_types", ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"]);
        var channels = config.Ints("block_out_channels", [320, 640, 1280, 1280]);
        var blocks = down.Length;
        if (blocks == 0 || up.Length != blocks || channels.Length != blocks)
            throw new PeaException($"{config.Path}: {blocks} down_block_types, {up.Length} up_block_types and {channels.Length} block_out_channels, expected as many of each");
        UNetOptions.CheckTypes(config, "down_block_types", down, nameof(DownBlock2D), nameof(CrossAttnDownBlock2D));
        UNetOptions.CheckTypes(config, "up_block_types", up, nameof(UpBlock2D), nameof(CrossAttnUpBlock2D));
        if (config.BoolList("only_cross_attention", blocks, false).Contains(true)) throw config.Wrong("only_cross_attention", "false");

        var layers = Positive(config, "layers_per_block", config.IntList("layers_per_block", blocks, 2));
        Positive(config, "block_out_channels", channels);
        var isTextTime = config.OptionalString("addition_embed_type") == "text_time";
        var sample = config.IsNull("sample_size") ? null : config.IntList("sample_size", 2);
        InChannels = Positive(config, "in_channels", config.Int("in_channels", 4));
        OutChannels = Positive(config, "out_channels", config.Int("out_channels", 4));
        SampleHeight = sample?[0];
        SampleWidth = sample?[1];
        IsTextTime = isTextTime;
        AdditionTimeEmbedDim = isTextTime ? Positive(config, "addition_time_embed_dim", config.Int("addition_time_embed_dim")) : 0;
        ProjectionClassEmbeddingsInputDim = isTextTime
            ? Positive(config, "projection_class_embeddings_input_dim", config.Int("projection_class_embeddings_input_dim")) : 0;
        TimeCondProjDim = config.IsNull("time_cond_proj_dim") ? 0 : Positive(config, "time_cond_proj_dim", config.Int("time_cond_proj_dim"));
        CrossAttentionDim = Positive(config, "cross_attention_dim", config.IntList("cross_attention_dim", blocks, 1280));
        BlockOutChannels = channels;
        DownBlockTypes = down;
        UpBlockTypes = up;
        MidBlockType = config.Has("mid_block_type") ? config.OptionalString("mid_block_type") : nameof(UNetMidBlock2DCrossAttn);
        LayersPerBlock = layers;
        NumAttentionHeads = Positive(config, "attention_head_dim", config.IntList("attention_head_dim", blocks, 8));
        DownTransformerLayers = TransformerLayers(config, "transformer_layers_per_block", layers);
        UpTransformerLayers = UpLayers(config, layers);
        TimeEmbedDim = config.OptionalInt("time_embedding_dim") is { } dim and not 0 ? Positive(config, "time_embedding_dim", dim) : 4 * channels[0];
        FlipSinToCos = config.Bool("flip_sin_to_cos", true);
        FreqShift = (float)config.Float("freq_shift", 0);
        NormNumGroups = Positive(config, "norm_num_groups", config.Int("norm_num_groups", 32));
        NormEps = (float)config.Float("norm_eps", 1e-5);
        DownsamplePadding = OneOf(config, "downsample_padding", 1, 0, 1);
        ConvInKernel = OneOf(config, "conv_in_kernel", 3, 1, 3);
        ConvOutKernel = OneOf(config, "conv_out_kernel", 3, 1, 3);
    }

    /// <summary>Counted from the middle: the file's own list, or the down blocks' depths backwards, which must then be one number a block.</summary>
    static int[][] UpLayers(JsonConfig config, int[] layers)
    {
        int[] resnets = [.. layers.Reverse().Select(count => count + 1)];
        if (!config.IsNull("reverse_transformer_layers_per_block"))
            return TransformerLayers(config, "reverse_transformer_layers_per_block", resnets);
        if (config.Element("transformer_layers_per_block") is { ValueKind: JsonValueKind.Array } list && list.EnumerateArray().Any(item => item.ValueKind == JsonValueKind.Array))
            throw new PeaException($"{config.Path}: reverse_transformer_layers_per_block is missing, expected it where transformer_layers_per_block has lists inside");
        return [.. config.IntList("transformer_layers_per_block", layers.Length, 1).Reverse().Select((depth, i) => Enumerable.Repeat(depth, resnets[i]).ToArray())];
    }

    /// <summary>One number for all blocks, or a list with a number or a list of at least <paramref name="resnets"/>[i] numbers for block i.</summary>
    static int[][] TransformerLayers(JsonConfig config, string key, int[] resnets)
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

    static int Positive(JsonConfig config, string key, int value) => Positive(config, key, [value])[0];

    static int[] Positive(JsonConfig config, string key, int[] values)
    {
        foreach (var value in values)
            if (value is < 1 or > Most) throw new PeaException($"{config.Path}: {key} has {value}, expected 1 to {Most}");
        return values;
    }

    static int OneOf(JsonConfig config, string key, int missing, int first, int second)
    {
        var value = config.Int(key, missing);
        return value == first || value == second ? value : throw config.Wrong(key, $"{first} or {second}");
    }
}
