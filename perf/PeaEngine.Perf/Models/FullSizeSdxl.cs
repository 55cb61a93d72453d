using System.Text;
using PeaEngine.Backends;
using PeaEngine.Diffusion.ControlNet;
using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Diffusion.Vae;
using PeaEngine.Formats;

namespace PeaEngine.Perf.Models;

/// <summary>stable-diffusion-xl-base-1.0 in its own sizes and with random weights: its configurations, and a folder of fp16 files.</summary>
static class FullSizeSdxl
{
    const string UNet = """
        {"_class_name": "UNet2DConditionModel", "addition_embed_type": "text_time", "addition_time_embed_dim": 256, "attention_head_dim": [5, 10, 20],
         "block_out_channels": [320, 640, 1280], "cross_attention_dim": 2048, "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
         "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"], "projection_class_embeddings_input_dim": 2816, "sample_size": 128,
         "transformer_layers_per_block": [1, 2, 10], "use_linear_projection": true}
        """;

    /// <summary>diffusers/controlnet-canny-sdxl-1.0 and its like.</summary>
    const string ControlNet = """
        {"_class_name": "ControlNetModel", "addition_embed_type": "text_time", "addition_time_embed_dim": 256, "attention_head_dim": [5, 10, 20],
         "block_out_channels": [320, 640, 1280], "cross_attention_dim": 2048, "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
         "projection_class_embeddings_input_dim": 2816, "transformer_layers_per_block": [1, 2, 10], "use_linear_projection": true}
        """;

    const string Vae = """
        {"_class_name": "AutoencoderKL", "block_out_channels": [128, 256, 512, 512], "latent_channels": 4, "layers_per_block": 2, "sample_size": 1024, "scaling_factor": 0.13025,
         "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"],
         "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"]}
        """;

    const string TextEncoder = """
        {"architectures": ["CLIPTextModel"], "hidden_act": "quick_gelu", "hidden_size": 768, "intermediate_size": 3072, "max_position_embeddings": 77,
         "num_attention_heads": 12, "num_hidden_layers": 12, "projection_dim": 768, "vocab_size": 49408, "eos_token_id": 2}
        """;

    const string TextEncoder2 = """
        {"architectures": ["CLIPTextModelWithProjection"], "hidden_act": "gelu", "hidden_size": 1280, "intermediate_size": 5120, "max_position_embeddings": 77,
         "num_attention_heads": 20, "num_hidden_layers": 32, "projection_dim": 1280, "vocab_size": 49408, "eos_token_id": 2}
        """;

    const string Scheduler = """
        {"_class_name": "EulerDiscreteScheduler", "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "timestep_spacing": "leading", "steps_offset": 1}
        """;

    const string Index = """
        {"_class_name": "StableDiffusionXLPipeline", "force_zeros_for_empty_prompt": true, "scheduler": ["diffusers", "EulerDiscreteScheduler"],
         "text_encoder": ["transformers", "CLIPTextModel"], "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"], "tokenizer": ["transformers", "CLIPTokenizer"],
         "tokenizer_2": ["transformers", "CLIPTokenizer"], "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"]}
        """;

    /// <summary>The configuration of its scheduler.</summary>
    public static JsonConfig SchedulerConfig => Parse(Scheduler);

    public static UNet2DConditionModel LoadUNet(Backend backend)
    {
        using var weights = new RandomWeights();
        return UNet2DConditionModel.Load(backend, Parse(UNet), weights);
    }

    public static ClipTextModel LoadTextEncoder(Backend backend)
    {
        using var weights = new RandomWeights();
        return ClipTextModel.Load(backend, Parse(TextEncoder), weights);
    }

    public static ClipTextModel LoadTextEncoder2(Backend backend)
    {
        using var weights = new RandomWeights();
        return ClipTextModel.Load(backend, Parse(TextEncoder2), weights);
    }

    public static ControlNetModel LoadControlNet(Backend backend)
    {
        using var weights = new RandomWeights();
        return ControlNetModel.Load(backend, Parse(ControlNet), weights);
    }

    public static AutoencoderKL LoadVae(Backend backend)
    {
        using var weights = new RandomWeights();
        return AutoencoderKL.Load(backend, Parse(Vae), weights);
    }

    /// <summary>Writes the whole pipeline, 7 GB, with the CLIP vocabulary of the golden cases.</summary>
    public static void WriteFolder(string folder)
    {
        Write(folder, "unet", UNet, "diffusion_pytorch_model", (backend, config, weights) => UNet2DConditionModel.Load(backend, config, weights).Dispose());
        Write(folder, "vae", Vae, "diffusion_pytorch_model", (backend, config, weights) => AutoencoderKL.Load(backend, config, weights).Dispose());
        Write(folder, "text_encoder", TextEncoder, "model", (backend, config, weights) => ClipTextModel.Load(backend, config, weights).Dispose());
        Write(folder, "text_encoder_2", TextEncoder2, "model", (backend, config, weights) => ClipTextModel.Load(backend, config, weights).Dispose());
        WriteText(Path.Combine(folder, "scheduler", "scheduler_config.json"), Scheduler);
        var vocabulary = Path.Combine(Machine.Root, "tests", "golden", "tokenizer", "clip");
        foreach (var tokenizer in new[] { "tokenizer", "tokenizer_2" })
            foreach (var file in Directory.EnumerateFiles(vocabulary).Where(file => !file.EndsWith("cases.json", StringComparison.Ordinal)))
            {
                Directory.CreateDirectory(Path.Combine(folder, tokenizer));
                File.Copy(file, Path.Combine(folder, tokenizer, Path.GetFileName(file)), overwrite: true);
            }
        WriteText(Path.Combine(folder, "model_index.json"), Index);
    }

    /// <summary>Loading onto a backend that keeps nothing tells which tensors the model has.</summary>
    static void Write(string folder, string component, string config, string fileName, Action<Backend, JsonConfig, ITensorSource> load)
    {
        WriteText(Path.Combine(folder, component, "config.json"), config);
        using var nothing = new NullBackend();
        using var weights = new RandomWeights();
        load(nothing, Parse(config), weights);
        SafetensorsWriter.Write(Path.Combine(folder, component, fileName + ".fp16.safetensors"), weights.Tensors.Keys.Select(name => TensorContent.FromSource(weights, name)));
    }

    static void WriteText(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    static JsonConfig Parse(string json) => JsonConfig.Parse(Encoding.UTF8.GetBytes(json), "SDXL");
}
