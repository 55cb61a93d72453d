namespace PeaEngine.Diffusion.Pipelines;

/// <summary>diffusers StableDiffusionPipeline and its image-to-image and inpainting siblings: SD 1.x and 2.x, one text encoder.</summary>
public sealed class StableDiffusion : DiffusionPipeline
{
    readonly PromptEncoder encoder;

    internal StableDiffusion(PipelineConfig config, Backend backend, ComponentOwner components, PipelineModels models) : base(config, backend, components, models) =>
        encoder = models.Encoders[0];

    /// <inheritdoc/>
    public override string? CutOff(string prompt) => encoder.CutOff(prompt);

    private protected override PromptEmbeddings EncodePrompt(GenerateOptions options, bool guided, CancellationToken cancellation)
    {
        // The last hidden state after the final norm; the unconditional text knows no CLIP skip.
        var prompt = encoder.Encode(options.Prompt, options.ClipSkip ?? 0, finalLayerNorm: true, pooled: false, cancellation);
        if (!guided) return new(1, encoder.Tokens, prompt.Sequence, null);
        var negative = encoder.Encode(options.NegativePrompt ?? "", 0, finalLayerNorm: true, pooled: false, cancellation);
        return new(2, encoder.Tokens, [.. negative.Sequence, .. prompt.Sequence], null);
    }
}
