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
