namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>Where the components of a family of models are in its original files.</summary>
/// <param name="Name">The family, for messages.</param>
/// <param name="Parts">The text encoders last.</param>
sealed record OriginalLayout(string Name, IReadOnlyList<OriginalPart> Parts)
{
    /// <summary>The VAE, in every family.</summary>
    public static readonly OriginalPart Vae = new("vae", "first_stage_model.", OriginalNaming.Vae);

    static readonly OriginalPart UNet = new("unet", "model.diffusion_model.", OriginalNaming.UNet);

    /// <summary>Keys of a training's state, of noise tables, which follow from the configuration, and of markers, which are looked for by name.</summary>
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
