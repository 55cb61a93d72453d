using System.Text.Json;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.UNet;

/// <summary>The <c>config.json</c> of a <see cref="UNet2DConditionModel"/>.</summary>
public sealed class UNetConfig : UNetEncoderConfig
{
    /// <summary>Channels of the prediction.</summary>
    public int OutChannels { get; }

    /// <summary>The default height of the latents, or none.</summary>
    public int? SampleHeight { get; }

    /// <summary>The default width of the latents, or none.</summary>
    public int? SampleWidth { get; }

    internal override string ModelName => "unet";

    internal IReadOnlyList<string> UpBlockTypes { get; }

    /// <summary>Transformer blocks after each resnet of each up block, counted from the middle.</summary>
    internal IReadOnlyList<IReadOnlyList<int>> UpTransformerLayers { get; }

    internal int ConvOutKernel { get; }

    /// <summary>Reads a configuration.</summary>
    /// <exception cref="PeaException">A key has a wrong type, or a value that is not implemented.</exception>
    public UNetConfig(JsonConfig config) : base(config)
    {
        var up = config.Strings("up_block_types", ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"]);
        if (up.Length != BlockOutChannels.Count)
            throw new PeaException($"{config.Path}: {BlockOutChannels.Count} down_block_types and {up.Length} up_block_types, expected as many of each");
        UNetOptions.CheckTypes(config, "up_block_types", up, nameof(UpBlock2D), nameof(CrossAttnUpBlock2D));
        var sample = config.IsNull("sample_size") ? null : config.IntList("sample_size", 2);
        (SampleHeight, SampleWidth) = (sample?[0], sample?[1]);
        OutChannels = Positive(config, "out_channels", config.Int("out_channels", 4));
        TimeCondProjDim = config.IsNull("time_cond_proj_dim") ? 0 : Positive(config, "time_cond_proj_dim", config.Int("time_cond_proj_dim"));
        if (config.OptionalInt("time_embedding_dim") is { } dim and not 0) TimeEmbedDim = Positive(config, "time_embedding_dim", dim);
        UpBlockTypes = up;
        UpTransformerLayers = UpLayers(config, LayersPerBlock);
        ConvInKernel = OneOf(config, "conv_in_kernel", 3, 1, 3);
        ConvOutKernel = OneOf(config, "conv_out_kernel", 3, 1, 3);
    }

    /// <summary>Counted from the middle: the file's own list, or the down blocks' depths backwards, which must then be one number a block.</summary>
    static int[][] UpLayers(JsonConfig config, IReadOnlyList<int> layers)
    {
        int[] resnets = [.. layers.Reverse().Select(count => count + 1)];
        if (!config.IsNull("reverse_transformer_layers_per_block"))
            return TransformerLayers(config, "reverse_transformer_layers_per_block", resnets);
        if (config.Element("transformer_layers_per_block") is { ValueKind: JsonValueKind.Array } list && list.EnumerateArray().Any(item => item.ValueKind == JsonValueKind.Array))
            throw new PeaException($"{config.Path}: reverse_transformer_layers_per_block is missing, expected it where transformer_layers_per_block has lists inside");
        return [.. config.IntList("transformer_layers_per_block", layers.Count, 1).Reverse().Select((depth, i) => Enumerable.Repeat(depth, resnets[i]).ToArray())];
    }
}
