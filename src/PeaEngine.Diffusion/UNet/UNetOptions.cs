using PeaEngine.Diffusion.Blocks;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.UNet;

/// <summary>
/// The options of diffusers' UNet2DConditionModel that no Stable Diffusion, SDXL or model distilled from them uses: they are
/// implemented for one value only, and any other is an error rather than a wrong picture.
/// </summary>
static class UNetOptions
{
    static readonly string[] MustBeFalse =
        ["center_input_sample", "dual_cross_attention", "class_embeddings_concat", "resnet_skip_time_act", "mid_block_only_cross_attention"];

    static readonly string[] MustBeNull =
    [
        "class_embed_type", "num_class_embeds", "encoder_hid_dim", "encoder_hid_dim_type", "time_embedding_act_fn", "timestep_post_act",
        "cross_attention_norm", "num_attention_heads",
    ];

    /// <summary>Every option but the block types.</summary>
    /// <exception cref="PeaException">Names the first key with a value that is not implemented, and the value.</exception>
    public static void Check(JsonConfig config)
    {
        foreach (var key in MustBeFalse)
            if (config.Bool(key, false)) throw config.Wrong(key, "false");
        foreach (var key in MustBeNull)
            if (!config.IsNull(key)) throw config.Wrong(key, "null");
        CheckText(config, "act_fn", "silu", "silu", "swish");
        CheckText(config, "resnet_time_scale_shift", "default", "default");
        CheckText(config, "time_embedding_type", "positional", "positional");
        CheckText(config, "attention_type", "default", "default");
        CheckText(config, "mid_block_type", nameof(UNetMidBlock2DCrossAttn), nameof(UNetMidBlock2DCrossAttn), nameof(UNetMidBlock2D));
        CheckText(config, "addition_embed_type", "text_time", "text_time");
        CheckOne(config, "mid_block_scale_factor");
        CheckOne(config, "resnet_out_scale_factor");
        if (config.Has("norm_num_groups") && config.IsNull("norm_num_groups"))
            throw new PeaException($"{config.Path}: norm_num_groups is null, expected a number of groups");
    }

    /// <summary>That every block's type is one of two.</summary>
    public static void CheckTypes(JsonConfig config, string key, string[] types, string plain, string withAttention)
    {
        for (var i = 0; i < types.Length; i++)
            if (types[i] != plain && types[i] != withAttention)
                throw new PeaException($"{config.Path}: {key}[{i}] is \"{types[i]}\", expected \"{plain}\" or \"{withAttention}\"");
    }

    static void CheckText(JsonConfig config, string key, string missing, params ReadOnlySpan<string> known)
    {
        if (!known.Contains(config.String(key, missing))) throw config.Wrong(key, $"\"{string.Join("\" or \"", known!)}\"");
    }

    static void CheckOne(JsonConfig config, string key)
    {
        if (config.Float(key, 1) != 1) throw config.Wrong(key, "1");
    }
}
