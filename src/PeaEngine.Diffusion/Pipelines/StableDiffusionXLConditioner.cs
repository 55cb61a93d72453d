using PeaEngine.Diffusion.Prompts;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>
/// diffusers' StableDiffusionXLPipeline.encode_prompt: the penultimate hidden states of one or two encoders side by side, and the last
/// one's projection.
/// </summary>
sealed class StableDiffusionXLConditioner : ITextConditioner
{
    readonly PromptEncoder? first;
    readonly PromptEncoder second;
    readonly bool forceZerosForEmptyPrompt;

    /// <summary>Checks that the encoders go together.</summary>
    /// <exception cref="PeaException">The last has no projection, or they take different numbers of tokens.</exception>
    public StableDiffusionXLConditioner(string path, IReadOnlyList<PromptEncoder> encoders, bool forceZerosForEmptyPrompt)
    {
        this.forceZerosForEmptyPrompt = forceZerosForEmptyPrompt;
        if (encoders is [var encoder, _]) first = encoder;
        second = encoders[^1];
        if (!second.HasProjection) throw new PeaException($"{path}: text_encoder_2 has no projection, expected CLIPTextModelWithProjection");
        if (first != null && first.Tokens != second.Tokens)
            throw new PeaException($"{path}: the text encoders take {first.Tokens} and {second.Tokens} tokens, expected the same number");
    }

    public string? CutOff(string prompt) => first?.CutOff(prompt) ?? second.CutOff(prompt);

    public PromptEmbeddings Encode(GenerateOptions options, bool guided, CancellationToken cancellation)
    {
        var syntax = options.PromptSyntax;
        var negativePrompt = !guided || (options.NegativePrompt == null && forceZerosForEmptyPrompt) ? null : options.NegativePrompt ?? "";
        var chunks = Math.Max(Chunks(options.Prompt, syntax), negativePrompt == null ? 1 : Chunks(negativePrompt, syntax));
        var prompt = Encode(options.Prompt, syntax, chunks, options.ClipSkip ?? 0, cancellation);
        if (!guided) return prompt;
        var negative = negativePrompt == null
            ? prompt with { Sequence = new float[prompt.Sequence.Length], Pooled = new float[prompt.Pooled!.Length] }
            : Encode(negativePrompt, syntax, chunks, 0, cancellation);
        return new(2, prompt.Tokens, [.. negative.Sequence, .. prompt.Sequence], [.. negative.Pooled!, .. prompt.Pooled!]);
    }

    public PromptEmbeddings Encode(IReadOnlyList<string> prompts, CancellationToken cancellation) =>
        PromptEmbeddings.Concat([.. prompts.Select(prompt => Encode(prompt, PromptSyntax.Plain, 1, 0, cancellation))]);

    int Chunks(string prompt, PromptSyntax syntax) => Math.Max(second.Chunks(prompt, syntax), first?.Chunks(prompt, syntax) ?? 1);

    PromptEmbeddings Encode(string prompt, PromptSyntax syntax, int chunks, int clipSkip, CancellationToken cancellation)
    {
        var tokens = chunks * second.Tokens;
        var last = second.Encode(prompt, syntax, chunks, 1 + clipSkip, finalLayerNorm: false, pooled: true, cancellation);
        if (first == null) return new(1, tokens, last.Sequence, last.Pooled);
        var other = first.Encode(prompt, syntax, chunks, 1 + clipSkip, finalLayerNorm: false, pooled: false, cancellation);
        int a = other.Sequence.Length / tokens, b = last.Sequence.Length / tokens;
        var sequence = new float[tokens * (a + b)];
        for (var t = 0; t < tokens; t++)
        {
            other.Sequence.AsSpan(t * a, a).CopyTo(sequence.AsSpan(t * (a + b)));
            last.Sequence.AsSpan(t * b, b).CopyTo(sequence.AsSpan(t * (a + b) + a));
        }
        return new(1, tokens, sequence, last.Pooled);
    }
}
