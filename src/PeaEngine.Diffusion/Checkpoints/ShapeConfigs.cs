using System.Text.Json.Nodes;

namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>
/// The configurations of a pipeline's models, as diffusers and transformers write them, told from the shapes of their tensors; what
/// equals the default of the class is left out. What shapes cannot tell comes from a known architecture.
/// </summary>
static class ShapeConfigs
{
    /// <summary>Of every text encoder of Stable Diffusion and SDXL.</summary>
    const int ClipHeadDim = 64;

    /// <summary>A UNet2DConditionModel's.</summary>
    public static JsonObject UNet(TensorShapes shapes, UNetLayout layout, KnownArchitecture known)
    {
        int[] channels = [.. layout.Down.Select((_, i) => shapes.Extent($"down_blocks.{i}.resnets.0.conv1.weight", 0))];
        var config = new JsonObject
        {
            ["_class_name"] = "UNet2DConditionModel",
            ["sample_size"] = known.LatentSize,
            ["in_channels"] = shapes.Extent("conv_in.weight", 1),
            ["out_channels"] = shapes.Extent("conv_out.weight", 0),
            ["block_out_channels"] = List(channels),
            ["layers_per_block"] = OneOrList([.. layout.Down.Select(block => block.Resnets)]),
            ["down_block_types"] = List(layout.Down.Select(block => block.HasAttention ? "CrossAttnDownBlock2D" : "DownBlock2D")),
            ["mid_block_type"] = layout.HasMiddleAttention ? "UNetMidBlock2DCrossAttn" : layout.HasMiddle ? "UNetMidBlock2D" : null,
            ["up_block_types"] = List(layout.Up.Select(block => block.HasAttention ? "CrossAttnUpBlock2D" : "UpBlock2D")),
            ["cross_attention_dim"] = CrossAttentionDim(shapes),
            ["attention_head_dim"] = known.HeadDim is { } dim ? List(channels.Select(count => count / dim)) : KnownArchitecture.StableDiffusion1Heads,
            ["use_linear_projection"] = shapes.Rank($"{Attention(shapes)}.proj_in.weight") == 2,
        };
        AddTransformerLayers(config, shapes, layout);
        if (shapes.Has("add_embedding"))
        {
            config["addition_embed_type"] = "text_time";
            config["addition_time_embed_dim"] = KnownArchitecture.AdditionTimeEmbedDim;
            config["projection_class_embeddings_input_dim"] = shapes.Extent("add_embedding.linear_1.weight", 1);
        }
        if (shapes.Has("time_embedding.cond_proj")) config["time_cond_proj_dim"] = shapes.Extent("time_embedding.cond_proj.weight", 1);
        return config;
    }

    /// <summary>The channels of the text that a UNet attends to.</summary>
    public static int CrossAttentionDim(TensorShapes unet) => unet.Extent($"{Attention(unet)}.transformer_blocks.0.attn2.to_k.weight", 1);

    /// <summary>An AutoencoderKL's.</summary>
    public static JsonObject Vae(TensorShapes shapes, KnownArchitecture known)
    {
        var blocks = shapes.Count(i => $"encoder.down_blocks.{i}");
        return new()
        {
            ["_class_name"] = "AutoencoderKL",
            ["sample_size"] = known.LatentSize << Math.Max(blocks - 1, 0),
            ["in_channels"] = shapes.Extent("encoder.conv_in.weight", 1),
            ["out_channels"] = shapes.Extent("decoder.conv_out.weight", 0),
            ["latent_channels"] = shapes.Extent("decoder.conv_in.weight", 1),
            ["block_out_channels"] = List(Enumerable.Range(0, blocks).Select(i => shapes.Extent($"encoder.down_blocks.{i}.resnets.0.conv1.weight", 0))),
            ["layers_per_block"] = shapes.Count(i => $"encoder.down_blocks.0.resnets.{i}"),
            ["down_block_types"] = List(Enumerable.Repeat("DownEncoderBlock2D", blocks)),
            ["up_block_types"] = List(Enumerable.Repeat("UpDecoderBlock2D", blocks)),
            ["mid_block_add_attention"] = shapes.Has("encoder.mid_block.attentions"),
            ["use_quant_conv"] = shapes.Has("quant_conv"),
            ["use_post_quant_conv"] = shapes.Has("post_quant_conv"),
            ["scaling_factor"] = known.VaeScalingFactor,
        };
    }

    /// <summary>A CLIPTextModel's, with or without projection. OpenCLIP's have another activation than OpenAI's.</summary>
    public static JsonObject TextEncoder(TensorShapes shapes, OriginalNaming naming)
    {
        const string Embedding = ClipKeys.Root + "embeddings.token_embedding.weight";
        var hidden = shapes.Extent(Embedding, 1);
        var hasProjection = shapes.Has("text_projection");
        return new()
        {
            ["architectures"] = List([hasProjection ? "CLIPTextModelWithProjection" : "CLIPTextModel"]),
            ["model_type"] = "clip_text_model",
            ["vocab_size"] = shapes.Extent(Embedding, 0),
            ["hidden_size"] = hidden,
            ["intermediate_size"] = shapes.Extent(ClipKeys.Root + "encoder.layers.0.mlp.fc1.weight", 0),
            ["projection_dim"] = hasProjection ? shapes.Extent("text_projection.weight", 0) : hidden,
            ["num_hidden_layers"] = shapes.Count(i => $"{ClipKeys.Root}encoder.layers.{i}"),
            ["num_attention_heads"] = Math.Max(hidden / ClipHeadDim, 1),
            ["max_position_embeddings"] = shapes.Extent(ClipKeys.Root + "embeddings.position_embedding.weight", 0),
            ["hidden_act"] = naming == OriginalNaming.OpenClip ? "gelu" : "quick_gelu",
            // What the models' own configurations have: the end token is the largest id.
            ["bos_token_id"] = 0,
            ["eos_token_id"] = 2,
            ["pad_token_id"] = 1,
        };
    }

    /// <summary>A transformer that every known UNet has: in the middle, or beside it where there is none.</summary>
    static string Attention(TensorShapes unet) => unet.Has("mid_block.attentions.0") ? "mid_block.attentions.0" : "up_blocks.0.attentions.0";

    /// <summary>
    /// <c>transformer_layers_per_block</c>: one number, or one a block where they differ; or lists for every resnet, with the way up's
    /// own beside them, where that does not mirror the way down.
    /// </summary>
    static void AddTransformerLayers(JsonObject config, TensorShapes shapes, UNetLayout layout)
    {
        var down = Depths(shapes, "down_blocks", layout.Down);
        var up = Depths(shapes, "up_blocks", layout.Up);
        var isMirrored = layout.Up.Count == layout.Down.Count
            && down.Zip(up.Reverse()).All(pair => pair.First.Concat(pair.Second).Distinct().Count() <= 1);
        if (!isMirrored)
        {
            config["transformer_layers_per_block"] = ListOfLists(down);
            config["reverse_transformer_layers_per_block"] = ListOfLists(up);
            return;
        }
        int[] attending = [.. down.Where(depths => depths.Length > 0).Select(depths => depths[0])];
        config["transformer_layers_per_block"] = attending.Distinct().Count() <= 1
            ? attending.FirstOrDefault(1)
            : List(down.Select(depths => depths.FirstOrDefault(1)));
    }

    /// <summary>The transformer blocks after each resnet; none of a block without attention.</summary>
    static int[][] Depths(TensorShapes shapes, string blocks, IReadOnlyList<UNetBlock> layout) =>
    [
        .. layout.Select((block, i) => block.HasAttention
            ? Enumerable.Range(0, block.Resnets).Select(j => shapes.Count(k => $"{blocks}.{i}.attentions.{j}.transformer_blocks.{k}")).ToArray()
            : []),
    ];

    static JsonArray ListOfLists(int[][] depths) => new([.. depths.Select(block => block.Length == 0 ? (JsonNode)1 : List(block))]);

    static JsonNode OneOrList(int[] values) => values.Distinct().Count() == 1 ? values[0] : List(values);

    static JsonArray List(IEnumerable<int> values) => new([.. values.Select(value => (JsonNode)value)]);

    static JsonArray List(IEnumerable<string> values) => new([.. values.Select(value => (JsonNode)value)]);
}
