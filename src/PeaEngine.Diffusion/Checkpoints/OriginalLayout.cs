namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>The code whose names a part of an original file has.</summary>
enum OriginalNaming
{
    /// <summary>LDM's and SGM's openaimodel.py.</summary>
    UNet,

    /// <summary>LDM's autoencoder.</summary>
    Vae,

    /// <summary>transformers' CLIP.</summary>
    Transformers,

    /// <summary>OpenCLIP.</summary>
    OpenClip,
}

/// <summary>Where a component of a pipeline is in an original file.</summary>
/// <param name="Component">Its name in a pipeline folder.</param>
/// <param name="Prefix">The beginning of its keys.</param>
/// <param name="Naming">The rest of its keys.</param>
/// <param name="MostLayers">Of a text encoder, how many are used; the file may have more.</param>
/// <param name="HasProjection">Whether a text encoder's projection is used; the file may have one.</param>
sealed record OriginalPart(string Component, string Prefix, OriginalNaming Naming, int MostLayers = int.MaxValue, bool HasProjection = true)
{
    /// <summary>Endings of keys that are no weights of the model.</summary>
    static readonly string[] Unneeded = ["position_ids", "logit_scale", "attn_mask"];

    /// <summary>What a VAE is trained with.</summary>
    static readonly string[] Training = ["loss.", "model_ema."];

    /// <summary>The name of a text encoder's tokenizer; null for another model.</summary>
    public string? Tokenizer => Naming is OriginalNaming.UNet or OriginalNaming.Vae ? null : Component.Replace("text_encoder", "tokenizer", StringComparison.Ordinal);

    /// <summary>The part's modules in a file of such keys, without the prefix.</summary>
    public KeyModules Modules(IEnumerable<string> keys) =>
        new(keys.Where(key => key.StartsWith(Prefix, StringComparison.Ordinal)).Select(key => key[Prefix.Length..]));

    /// <summary>The map from these modules to diffusers' names.</summary>
    public KeyMap Map(KeyModules modules) => Naming switch
    {
        OriginalNaming.UNet => UNetKeys.Map(UNetLayout.Of(modules)),
        OriginalNaming.Vae => VaeKeys.Map(VaeLayout.Of(modules)),
        OriginalNaming.Transformers => ClipKeys.Transformers(modules.Has("text_model") ? ClipKeys.Root : "", ClipKeys.Root),
        _ => ClipKeys.OpenClip(Math.Min(modules.Count(i => $"transformer.resblocks.{i}"), MostLayers), ClipKeys.Root),
    };

    /// <summary>Whether a key, without the prefix, is one that the model does without.</summary>
    public bool IsUnneeded(string key) =>
        Unneeded.Any(ending => key.EndsWith(ending, StringComparison.Ordinal))
        || (Naming == OriginalNaming.Vae && Training.Any(beginning => key.StartsWith(beginning, StringComparison.Ordinal)))
        || (Naming == OriginalNaming.OpenClip && ((key == "text_projection" && !HasProjection) || LayerOf(key) >= MostLayers));

    static int LayerOf(string key) => key.Split('.') is ["transformer", "resblocks", var layer, ..] && int.TryParse(layer, out var number) ? number : -1;
}

/// <summary>Where the components of a family of models are in its original files.</summary>
/// <param name="Name">The family, for messages.</param>
/// <param name="Parts">The text encoders last.</param>
sealed record OriginalLayout(string Name, IReadOnlyList<OriginalPart> Parts)
{
    /// <summary>The VAE, in every family.</summary>
    public static readonly OriginalPart Vae = new("vae", "first_stage_model.", OriginalNaming.Vae);

    static readonly OriginalPart UNet = new("unet", "model.diffusion_model.", OriginalNaming.UNet);

    /// <summary>Keys that hold a training's state, or noise tables that follow from the configuration.</summary>
    static readonly HashSet<string> Unneeded =
    [
        "betas", "alphas_cumprod", "alphas_cumprod_prev", "sqrt_alphas_cumprod", "sqrt_one_minus_alphas_cumprod", "log_one_minus_alphas_cumprod",
        "sqrt_recip_alphas_cumprod", "sqrt_recipm1_alphas_cumprod", "posterior_variance", "posterior_log_variance_clipped", "posterior_mean_coef1",
        "posterior_mean_coef2", "lvlb_weights", "logvar", "scale_factor", "denoiser.sigmas", PredictsVelocity, HasZeroTerminalSnr,
    ];

    static readonly string[] UnneededBeginnings = ["model_ema.", "embedding_manager.", "loss."];

    /// <summary>An empty tensor of this name says that the model predicts the velocity.</summary>
    public const string PredictsVelocity = "v_pred";

    /// <summary>An empty tensor of this name says that the last timestep of training was all noise.</summary>
    public const string HasZeroTerminalSnr = "ztsnr";

    /// <summary>Stable Diffusion 1.</summary>
    public static readonly OriginalLayout StableDiffusion1 = new("Stable Diffusion 1", [UNet, Vae, new("text_encoder", "cond_stage_model.transformer.", OriginalNaming.Transformers)]);

    /// <summary>Stable Diffusion 2, which takes the penultimate layer of OpenCLIP's ViT-H as the last.</summary>
    public static readonly OriginalLayout StableDiffusion2 =
        new("Stable Diffusion 2", [UNet, Vae, new("text_encoder", "cond_stage_model.model.", OriginalNaming.OpenClip, MostLayers: 23, HasProjection: false)]);

    /// <summary>SDXL, and what has its text encoders.</summary>
    public static readonly OriginalLayout Sdxl = new("SDXL",
    [
        UNet, Vae,
        new("text_encoder", "conditioner.embedders.0.transformer.", OriginalNaming.Transformers),
        new("text_encoder_2", "conditioner.embedders.1.model.", OriginalNaming.OpenClip),
    ]);

    /// <summary>SDXL's refiner.</summary>
    public static readonly OriginalLayout SdxlRefiner = new("SDXL refiner", [UNet, Vae, new("text_encoder_2", "conditioner.embedders.0.model.", OriginalNaming.OpenClip)]);

    static readonly OriginalLayout[] All = [StableDiffusion1, StableDiffusion2, Sdxl, SdxlRefiner];

    /// <summary>The layout of a file of such keys, or null: that whose UNet and text encoders are all there.</summary>
    public static OriginalLayout? Of(IReadOnlyCollection<string> keys) => All.FirstOrDefault(layout =>
        layout.Parts.Where(part => part.Naming != OriginalNaming.Vae).All(part => keys.Any(key => key.StartsWith(part.Prefix, StringComparison.Ordinal))));

    /// <summary>Whether a key that belongs to no part is one that a pipeline does without.</summary>
    public static bool IsUnneeded(string key) => Unneeded.Contains(key) || UnneededBeginnings.Any(beginning => key.StartsWith(beginning, StringComparison.Ordinal));
}
