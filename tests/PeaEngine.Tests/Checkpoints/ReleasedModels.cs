using System.Collections.Concurrent;
using System.Text;
using PeaEngine.Backends;
using PeaEngine.Diffusion.Checkpoints;
using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Diffusion.Vae;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Checkpoints;

/// <summary>
/// Released models as their folders on the hub configure them; keys that have diffusers' default and those that this engine does not know
/// are left out.
/// </summary>
static class ReleasedModels
{
    const string Vae = """
        "block_out_channels": [128, 256, 512, 512], "layers_per_block": 2,
        "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"],
        "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"]
        """;

    const string ThreeBlocks = """
        "block_out_channels": [320, 640, 1280], "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"], "attention_head_dim": [5, 10, 20], "cross_attention_dim": 2048,
        "addition_embed_type": "text_time", "addition_time_embed_dim": 256, "projection_class_embeddings_input_dim": 2816, "sample_size": 128, "use_linear_projection": true
        """;

    const string ClipL = """
        "architectures": ["CLIPTextModel"], "hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "num_hidden_layers": 12,
        "projection_dim": 768, "hidden_act": "quick_gelu", "eos_token_id": 2
        """;

    const string BigG = """
        "architectures": ["CLIPTextModelWithProjection"], "hidden_size": 1280, "intermediate_size": 5120, "num_attention_heads": 20, "num_hidden_layers": 32,
        "projection_dim": 1280, "hidden_act": "gelu", "eos_token_id": 2
        """;

    /// <summary>The configurations of a model's parts, as objects without their braces, by its name.</summary>
    public static readonly IReadOnlyDictionary<string, Dictionary<string, string>> Configs = new Dictionary<string, Dictionary<string, string>>
    {
        ["stable-diffusion-v1-5"] = new()
        {
            ["unet"] = """ "cross_attention_dim": 768, "sample_size": 64, "attention_head_dim": 8 """,
            ["vae"] = Vae + """, "sample_size": 512 """,
            ["text_encoder"] = ClipL,
        },
        ["stable-diffusion-2-1"] = new()
        {
            ["unet"] = """ "cross_attention_dim": 1024, "sample_size": 96, "attention_head_dim": [5, 10, 20, 20], "use_linear_projection": true """,
            ["vae"] = Vae + """, "sample_size": 768 """,
            ["text_encoder"] = """
                "architectures": ["CLIPTextModel"], "hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16, "num_hidden_layers": 23,
                "projection_dim": 1024, "hidden_act": "gelu", "eos_token_id": 2
                """,
        },
        ["stable-diffusion-xl-base-1.0"] = new()
        {
            ["unet"] = ThreeBlocks + """, "transformer_layers_per_block": [1, 2, 10] """,
            ["vae"] = Vae + """, "sample_size": 1024, "scaling_factor": 0.13025 """,
            ["text_encoder"] = ClipL,
            ["text_encoder_2"] = BigG,
        },
        ["SSD-1B"] = new()
        {
            ["unet"] = ThreeBlocks + """
                , "mid_block_type": "UNetMidBlock2D", "transformer_layers_per_block": [1, [2, 2], [4, 4]],
                "reverse_transformer_layers_per_block": [[4, 4, 10], [2, 1, 1], 1]
                """,
            ["vae"] = Vae + """, "sample_size": 1024, "scaling_factor": 0.13025 """,
            ["text_encoder"] = ClipL,
            ["text_encoder_2"] = BigG,
        },
        ["stable-diffusion-xl-refiner-1.0"] = new()
        {
            ["unet"] = """
                "block_out_channels": [384, 768, 1536, 1536], "attention_head_dim": [6, 12, 24, 24], "cross_attention_dim": 1280, "sample_size": 128,
                "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
                "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"], "transformer_layers_per_block": 4,
                "addition_embed_type": "text_time", "addition_time_embed_dim": 256, "projection_class_embeddings_input_dim": 2560, "use_linear_projection": true
                """,
            ["vae"] = Vae + """, "sample_size": 1024, "scaling_factor": 0.13025 """,
            ["text_encoder_2"] = BigG,
        },
    };

    /// <summary>Original names of 1×1 convolutions; a model asks for them as matrices.</summary>
    static readonly string[] Convolutions = ["skip_connection.weight", "nin_shortcut.weight", "quant_conv.weight"];

    static readonly ConcurrentDictionary<(string Model, string Component), IReadOnlyCollection<TensorInfo>> Asked = [];

    /// <summary>A part's configuration.</summary>
    public static JsonConfig Config(string model, string component) => JsonConfig.Parse(Encoding.UTF8.GetBytes($"{{{Configs[model][component]}}}"), $"{model}/{component}");

    /// <summary>The header of the model's original file: what its parts ask for, under their original names.</summary>
    public static List<TensorInfo> Header(string model)
    {
        var layout = model switch
        {
            "stable-diffusion-v1-5" => OriginalLayout.StableDiffusion1,
            "stable-diffusion-2-1" => OriginalLayout.StableDiffusion2,
            "stable-diffusion-xl-refiner-1.0" => OriginalLayout.SdxlRefiner,
            _ => OriginalLayout.Sdxl,
        };
        var header = new List<TensorInfo>();
        foreach (var part in layout.Parts)
        {
            var tensors = Tensors(model, part.Component);
            var map = part.Naming switch
            {
                OriginalNaming.UNet => UNetKeys.Map(UNetLayout.Of(new UNetConfig(Config(model, part.Component)))),
                OriginalNaming.Vae => VaeKeys.Map(VaeLayout.Of(new AutoencoderKLConfig(Config(model, part.Component)))),
                OriginalNaming.Transformers => ClipKeys.Transformers(ClipKeys.Root, ""),
                _ => ClipKeys.OpenClip(new ClipTextConfig(Config(model, part.Component)).HiddenLayers, ""),
            };
            header.AddRange(tensors.Select(info => (Pair: map.FindDiffusers(info.Name)!.Value, Info: info))
                .GroupBy(item => item.Pair.Original)
                .Select(group => MappedTensor.ToOriginal(group).Info)
                .Select(info => new TensorInfo(part.Prefix + info.Name, info.DType, [.. info.Shape, .. Kernel(model, info)])));
        }
        return header;
    }

    /// <summary>What a part asks for, under diffusers' names.</summary>
    public static IReadOnlyCollection<TensorInfo> Tensors(string model, string component) => Asked.GetOrAdd((model, component), _ => Ask(model, component));

    static long[] Kernel(string model, TensorInfo info)
    {
        var isProjection = info.Name.EndsWith(".proj_in.weight", StringComparison.Ordinal) || info.Name.EndsWith("1.proj_out.weight", StringComparison.Ordinal);
        var isConvolution = Convolutions.Any(name => info.Name.EndsWith(name, StringComparison.Ordinal)) || (isProjection && model == "stable-diffusion-v1-5");
        return isConvolution && info.Shape.Count == 2 ? [1, 1] : [];
    }

    static IReadOnlyCollection<TensorInfo> Ask(string model, string component)
    {
        using var backend = new NullBackend();
        using var asked = new AskedTensors();
        var config = Config(model, component);
        using IDisposable loaded = component switch
        {
            "unet" => UNet2DConditionModel.Load(backend, config, asked),
            "vae" => AutoencoderKL.Load(backend, config, asked),
            _ => ClipTextModel.Load(backend, config, asked),
        };
        return [.. asked.Tensors.Values];
    }
}
