namespace PeaEngine.Diffusion.Pipelines;

/// <summary>diffusers' StableDiffusionPipeline.encode_prompt: the last hidden state after the final norm.</summary>
sealed class StableDiffusionConditioner(PromptEncoder encoder) : ITextConditioner
{
    public string? CutOff(string prompt) => encoder.CutOff(prompt);

    public PromptEmbeddings Encode(GenerateOptions options, bool guided, CancellationToken cancellation)
    {
        // The unconditional text knows no CLIP skip.
        var prompt = encoder.Encode(options.Prompt, options.ClipSkip ?? 0, finalLayerNorm: true, pooled: false, cancellation);
        if (!guided) return new(1, encoder.Tokens, prompt.Sequence, null);
        var negative = encoder.Encode(options.NegativePrompt ?? "", 0, finalLayerNorm: true, pooled: false, cancellation);
        return new(2, encoder.Tokens, [.. negative.Sequence, .. prompt.Sequence], null);
    }
}
