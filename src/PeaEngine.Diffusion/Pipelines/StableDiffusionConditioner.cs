namespace PeaEngine.Diffusion.Pipelines;

/// <summary>diffusers' StableDiffusionPipeline.encode_prompt: the last hidden state after the final norm.</summary>
sealed class StableDiffusionConditioner(PromptEncoder encoder) : ITextConditioner
{
    public string? CutOff(string prompt) => encoder.CutOff(prompt);

    public PromptEmbeddings Encode(GenerateOptions options, bool guided, CancellationToken cancellation)
    {
        var (syntax, negativePrompt) = (options.PromptSyntax, options.NegativePrompt ?? "");
        var chunks = Math.Max(encoder.Chunks(options.Prompt, syntax), guided ? encoder.Chunks(negativePrompt, syntax) : 1);
        var tokens = chunks * encoder.Tokens;
        // The unconditional text knows no CLIP skip.
        var prompt = encoder.Encode(options.Prompt, syntax, chunks, options.ClipSkip ?? 0, finalLayerNorm: true, pooled: false, cancellation);
        if (!guided) return new(1, tokens, prompt.Sequence, null);
        var negative = encoder.Encode(negativePrompt, syntax, chunks, 0, finalLayerNorm: true, pooled: false, cancellation);
        return new(2, tokens, [.. negative.Sequence, .. prompt.Sequence], null);
    }

    public PromptEmbeddings Encode(IReadOnlyList<string> prompts, CancellationToken cancellation) =>
        PromptEmbeddings.Concat([.. prompts.Select(prompt => Encode(new() { Prompt = prompt }, guided: false, cancellation))]);
}
