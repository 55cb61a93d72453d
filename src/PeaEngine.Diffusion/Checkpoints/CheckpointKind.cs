using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>Tells from its keys and shapes what a checkpoint is.</summary>
static class CheckpointKind
{
    /// <summary>A checkpoint whose keys say nothing.</summary>
    public const string Unknown = "unknown";

    /// <summary>The beginnings of the components' keys in the original files of Stable Diffusion.</summary>
    static readonly (string Prefix, string Kind)[] OriginalParts =
    [
        ("model.diffusion_model.", "UNet in the original key naming"),
        ("first_stage_model.", "VAE in the original key naming"),
        ("conditioner.embedders.", "SDXL text encoders in the original key naming"),
        ("cond_stage_model.", "text encoder in the original key naming"),
    ];

    /// <summary>What the whole checkpoint is.</summary>
    public static string Of(IReadOnlyDictionary<string, TensorInfo> tensors)
    {
        bool Has(string key) => tensors.ContainsKey(key);
        bool HasPrefix(string prefix) => tensors.Keys.Any(key => key.StartsWith(prefix, StringComparison.Ordinal));

        if (IsLora(tensors.Keys)) return "LoRA";
        if (OriginalLayout.Of([.. tensors.Keys]) is { } layout) return $"{layout.Name} in one file, original key naming";
        if (HasPrefix("model.diffusion_model.")) return "UNet in the original key naming";
        if (Has("controlnet_cond_embedding.conv_in.weight")) return $"{UNetFamily(tensors)} ControlNet";
        if (Has("conv_in.weight") && Has("time_embedding.linear_1.weight")) return UNet(tensors);
        if (Has("decoder.conv_in.weight") && Has("encoder.conv_in.weight")) return "VAE (AutoencoderKL)";
        if (Has("layernorm.weight") && Has("projector.0.weight"))
            return $"PEA adapter of {Count(tensors.Keys, "projector.", ".weight")} linears, {(Has("fc.weight") ? "with" : "without")} a pooled output";
        if (Has("layernorm.weight") && Has("fc1.weight") && Has("fc3.weight")) return "PEA adapter in the legacy key naming";
        return TextEncoder(tensors) ?? Unknown;
    }

    /// <summary>The components of the checkpoint: those of an original file, the models that a LoRA is for, else the whole.</summary>
    public static IEnumerable<(string Name, string Kind, IReadOnlyList<TensorInfo> Tensors)> Split(IReadOnlyDictionary<string, TensorInfo> tensors)
    {
        var whole = Of(tensors);
        var isOriginal = tensors.Keys.Any(key => key.StartsWith(OriginalParts[0].Prefix, StringComparison.Ordinal));
        if (!isOriginal && whole != "LoRA") return [("", whole, [.. tensors.Values])];
        return tensors.Values
            .GroupBy(info => isOriginal ? OriginalPart(info.Name) : (Name: LoraTarget(info.Name), Kind: "LoRA"))
            .OrderBy(group => group.Key.Name, StringComparer.Ordinal)
            .Select(group => (group.Key.Name, group.Key.Kind, (IReadOnlyList<TensorInfo>)[.. group]));
    }

    static (string Name, string Kind) OriginalPart(string key)
    {
        foreach (var (prefix, kind) in OriginalParts)
            if (key.StartsWith(prefix, StringComparison.Ordinal)) return (prefix.TrimEnd('.'), kind);
        return ("other", "keys of training, such as betas");
    }

    /// <summary>The model that a key of kohya's (<c>lora_te1_…</c>) or of peft's (<c>text_encoder_2.…</c>) changes.</summary>
    static string LoraTarget(string key)
    {
        if (!key.StartsWith("lora_", StringComparison.Ordinal)) return key.Contains('.') ? key[..key.IndexOf('.')] : key;
        var end = key.IndexOf('_', "lora_".Length);
        return end < 0 ? key : key[..end];
    }

    static bool IsLora(IEnumerable<string> keys) => keys.Any(key =>
        key.Contains(".lora_down.", StringComparison.Ordinal) || key.Contains(".lora_A.", StringComparison.Ordinal)
        || key.Contains(".lora.down.", StringComparison.Ordinal) || key.Contains("_lora.down.", StringComparison.Ordinal) || key.EndsWith(".diff", StringComparison.Ordinal));

    static string UNet(IReadOnlyDictionary<string, TensorInfo> tensors)
    {
        var notes = new List<string>();
        var inputs = tensors["conv_in.weight"].Shape is [_, var channels, _, _] ? channels : 0;
        if (inputs == 9) notes.Add("inpainting");
        if (!tensors.Keys.Any(key => key.StartsWith("mid_block.", StringComparison.Ordinal))) notes.Add("no middle block");
        else if (!tensors.Keys.Any(key => key.StartsWith("mid_block.attentions.", StringComparison.Ordinal))) notes.Add("no attention in the middle");
        if (tensors.ContainsKey("time_embedding.cond_proj.weight")) notes.Add("guidance embedding (LCM)");
        return $"{UNetFamily(tensors)} UNet{(notes.Count > 0 ? $" ({string.Join(", ", notes)})" : "")}";
    }

    /// <summary>By structure rather than by widths, so that small models of the same build are told too.</summary>
    static string UNetFamily(IReadOnlyDictionary<string, TensorInfo> tensors)
    {
        if (tensors.ContainsKey("add_embedding.linear_1.weight"))
            return tensors.ContainsKey("down_blocks.3.resnets.0.conv1.weight") ? "SDXL refiner" : "SDXL";
        var projection = tensors.FirstOrDefault(pair => pair.Key.EndsWith("attentions.0.proj_in.weight", StringComparison.Ordinal)).Value;
        return projection?.Shape.Count == 2 ? "Stable Diffusion 2" : "Stable Diffusion 1";
    }

    static string? TextEncoder(IReadOnlyDictionary<string, TensorInfo> tensors)
    {
        bool HasEnding(string ending) => tensors.Keys.Any(key => key.EndsWith(ending, StringComparison.Ordinal));

        if (HasEnding("embeddings.token_embedding.weight"))
        {
            var layers = Count(tensors.Keys, "encoder.layers.", ".self_attn.q_proj.weight");
            var projection = tensors.ContainsKey("text_projection.weight") ? " with projection" : "";
            return $"CLIP text encoder of {layers} layers{projection}";
        }
        if (HasEnding("embeddings.word_embeddings.weight"))
        {
            var layers = Count(tensors.Keys, "encoder.layer", ".attention.self.query.weight");
            return HasEnding("transformation.weight") ? $"AltCLIP text encoder of {layers} layers"
                : StudentFiles.IsChineseClip(tensors) ? $"Chinese-CLIP of cn_clip, text encoder of {layers} layers"
                : HasEnding("text.transformer." + BertModel.WordEmbeddings) ? $"OpenCLIP, text encoder of {layers} BERT or XLM-RoBERTa layers"
                : $"BERT or XLM-RoBERTa of {layers} layers";
        }
        if (!HasEnding(T5EncoderModel.FirstQuery)) return null;
        var name = HasEnding("encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight") ? "umT5" : "T5";
        var decoder = HasEnding("decoder.block.0.layer.0.SelfAttention.q.weight") ? " with its decoder" : "";
        return $"{name} encoder of {Count(tensors.Keys, "encoder.block.", ".SelfAttention.q.weight")} layers{decoder}";
    }

    static int Count(IEnumerable<string> keys, string middle, string ending) =>
        keys.Count(key => key.Contains(middle, StringComparison.Ordinal) && key.EndsWith(ending, StringComparison.Ordinal));
}
