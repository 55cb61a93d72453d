using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>diffusers StableDiffusionPipeline and its image-to-image and inpainting siblings: SD 1.x and 2.x, one text encoder.</summary>
public sealed class StableDiffusion : DiffusionPipeline
{
    readonly PromptEncoder encoder;

    internal StableDiffusion(DiffusersFolder folder, Backend backend, string? vae, ComponentOwner components) : base(folder, backend, vae, components) =>
        encoder = components.Own(PromptEncoder.Load(folder, backend, "tokenizer", "text_encoder"));

    private protected override PipelineDefaults Defaults => new(Guidance: 7.5, ImageToImageStrength: 0.8, InpaintingStrength: 1);

    private protected override PromptEmbeddings EncodePrompt(GenerateOptions options, bool guided, CancellationToken cancellation)
    {
        // The last hidden state after the final norm; the unconditional text knows no CLIP skip.
        var prompt = encoder.Encode(options.Prompt, options.ClipSkip ?? 0, finalLayerNorm: true, pooled: false, cancellation);
        if (!guided) return new(1, encoder.Tokens, prompt.Sequence, null);
        var negative = encoder.Encode(options.NegativePrompt ?? "", 0, finalLayerNorm: true, pooled: false, cancellation);
        return new(2, encoder.Tokens, [.. negative.Sequence, .. prompt.Sequence], null);
    }
}
