using System.Text.Json.Nodes;
using PeaEngine.Diffusion.Tokenizers;

namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>What the shapes of a released model, and of what is tuned or distilled from it, do not tell; the values are those of its folder on the hub.</summary>
/// <param name="Name">For messages.</param>
/// <param name="Layout">Where its components are in a file.</param>
/// <param name="InChannels">The UNet's.</param>
/// <param name="CrossAttentionDim">The channels of the text, by which the UNet is recognised.</param>
/// <param name="ModelChannels">The channels of the UNet's first block, likewise.</param>
/// <param name="LatentSize">The height and width of the latents that it draws best.</param>
/// <param name="VaeScalingFactor">scaling_factor</param>
/// <param name="PipelineClass">diffusers' class.</param>
/// <param name="Scheduler">Its scheduler_config.json, without what every one has.</param>
sealed record KnownArchitecture(
    string Name, OriginalLayout Layout, int InChannels, int CrossAttentionDim, int ModelChannels, int LatentSize, double VaeScalingFactor, string PipelineClass, string Scheduler)
{
    /// <summary>The features of each of SDXL's time ids.</summary>
    public const int AdditionTimeEmbedDim = 256;

    /// <summary>The attention heads of Stable Diffusion 1, in every block.</summary>
    public const int StableDiffusion1Heads = 8;

    const int Pictures = 4, Inpainting = 9;
    const double ScalingFactor = 0.18215, SdxlScalingFactor = 0.13025;

    const string Pndm = """{ "_class_name": "PNDMScheduler", "skip_prk_steps": true, "set_alpha_to_one": false, "steps_offset": 1 }""";
    const string Ddim = """{ "_class_name": "DDIMScheduler", "clip_sample": false, "set_alpha_to_one": false, "steps_offset": 1 }""";
    const string DdimOfVelocity = """{ "_class_name": "DDIMScheduler", "clip_sample": false, "set_alpha_to_one": false, "steps_offset": 1, "prediction_type": "v_prediction" }""";
    const string Euler = """{ "_class_name": "EulerDiscreteScheduler", "timestep_spacing": "leading", "steps_offset": 1 }""";

    static readonly KnownArchitecture[] All =
    [
        new("Stable Diffusion 1", OriginalLayout.StableDiffusion1, Pictures, 768, 320, 64, ScalingFactor, "StableDiffusionPipeline", Pndm),
        new("Stable Diffusion 1 for inpainting", OriginalLayout.StableDiffusion1, Inpainting, 768, 320, 64, ScalingFactor, "StableDiffusionInpaintPipeline", Ddim),
        // The base model of 512 pixels, which predicts the noise, has the same shapes; diffusers takes it for this one too.
        new("Stable Diffusion 2.1", OriginalLayout.StableDiffusion2, Pictures, 1024, 320, 96, ScalingFactor, "StableDiffusionPipeline", DdimOfVelocity),
        new("Stable Diffusion 2 for inpainting", OriginalLayout.StableDiffusion2, Inpainting, 1024, 320, 64, ScalingFactor, "StableDiffusionInpaintPipeline", Ddim),
        new("SDXL", OriginalLayout.Sdxl, Pictures, 2048, 320, 128, SdxlScalingFactor, "StableDiffusionXLPipeline", Euler),
        new("SDXL for inpainting", OriginalLayout.Sdxl, Inpainting, 2048, 320, 128, SdxlScalingFactor, "StableDiffusionXLInpaintPipeline", Euler),
        new("SDXL refiner", OriginalLayout.SdxlRefiner, Pictures, 1280, 384, 128, SdxlScalingFactor, "StableDiffusionXLImg2ImgPipeline", Euler),
    ];

    /// <summary>Whether there are several text encoders or micro-conditioning.</summary>
    bool IsXL => Layout == OriginalLayout.Sdxl || Layout == OriginalLayout.SdxlRefiner;

    /// <summary>The channels of an attention head; null in Stable Diffusion 1, which has a number of heads instead.</summary>
    public int? HeadDim => Layout == OriginalLayout.StableDiffusion1 ? null : 64;

    /// <summary>Recognises a UNet by its keys and shapes.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="layout">The file's layout.</param>
    /// <param name="unet">The UNet's shapes.</param>
    /// <exception cref="PeaException">It is not of a known architecture.</exception>
    public static KnownArchitecture Of(string path, OriginalLayout layout, TensorShapes unet)
    {
        int inputs = unet.Extent("conv_in.weight", 1), channels = unet.Extent("conv_in.weight", 0), text = ShapeConfigs.CrossAttentionDim(unet);
        return All.FirstOrDefault(known => (known.Layout, known.InChannels, known.CrossAttentionDim, known.ModelChannels) == (layout, inputs, text, channels))
            ?? throw new PeaException($"{path}: {layout.Name} by its keys, but with a UNet of {inputs} inputs, {channels} channels and {text} text features, which is no " +
                "architecture that is known; expected a folder with its configurations beside it (--config)");
    }

    /// <summary>The pipeline's model_index.json.</summary>
    public JsonObject Index()
    {
        var index = new JsonObject { ["_class_name"] = PipelineClass };
        if (Layout == OriginalLayout.SdxlRefiner) index["requires_aesthetics_score"] = true;
        if (IsXL) index["force_zeros_for_empty_prompt"] = Layout != OriginalLayout.SdxlRefiner;
        index["scheduler"] = new JsonArray("diffusers", (string)JsonNode.Parse(Scheduler)!["_class_name"]!);
        foreach (var part in Layout.Parts)
        {
            index[part.Component] = part.Naming switch
            {
                OriginalNaming.UNet => new JsonArray("diffusers", "UNet2DConditionModel"),
                OriginalNaming.Vae => new JsonArray("diffusers", "AutoencoderKL"),
                _ => new JsonArray("transformers", IsXL && part.Naming == OriginalNaming.OpenClip ? "CLIPTextModelWithProjection" : "CLIPTextModel"),
            };
            if (part.Tokenizer is { } tokenizer) index[tokenizer] = new JsonArray("transformers", "CLIPTokenizer");
        }
        return index;
    }

    /// <summary>The pipeline's scheduler_config.json.</summary>
    /// <param name="has">Whether the file has a key: some say what the model was tuned to.</param>
    public JsonObject SchedulerConfig(Predicate<string> has)
    {
        var config = JsonNode.Parse(Scheduler)!.AsObject();
        (config["beta_start"], config["beta_end"], config["beta_schedule"], config["num_train_timesteps"]) = (0.00085, 0.012, "scaled_linear", 1000);
        if (has(OriginalLayout.PredictsVelocity)) config["prediction_type"] = "v_prediction";
        if (has(OriginalLayout.HasZeroTerminalSnr)) config["rescale_betas_zero_snr"] = true;
        return config;
    }

    /// <summary>What a component's tokenizer fills prompts with: OpenCLIP's models have another token for it than OpenAI's.</summary>
    public static string PadToken(OriginalPart encoder) => encoder.Naming == OriginalNaming.OpenClip ? "!" : ClipVocabulary.End;
}
