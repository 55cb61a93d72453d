namespace PeaEngine.Diffusion.Pipelines;

/// <summary>diffusers StableDiffusionXLPipeline and its image-to-image and inpainting siblings: two text encoders, micro-conditioning.</summary>
public sealed class StableDiffusionXL : DiffusionPipeline
{
    readonly PromptEncoder? first;
    readonly PromptEncoder second;
    readonly bool forceZerosForEmptyPrompt;

    internal StableDiffusionXL(PipelineConfig config, Backend backend, ComponentOwner components, PipelineModels models) : base(config, backend, components, models)
    {
        forceZerosForEmptyPrompt = config.Folder.Config.Bool("force_zeros_for_empty_prompt", true);
        if (models.Encoders is [var encoder, _]) first = encoder;
        second = models.Encoders[^1];
        if (!second.HasProjection) throw new PeaException($"{Path}: text_encoder_2 has no projection, expected CLIPTextModelWithProjection");
        if (first != null && first.Tokens != second.Tokens)
            throw new PeaException($"{Path}: the text encoders take {first.Tokens} and {second.Tokens} tokens, expected the same number");
    }

    /// <inheritdoc/>
    public override string? CutOff(string prompt) => first?.CutOff(prompt) ?? second.CutOff(prompt);

    private protected override PromptEmbeddings EncodePrompt(GenerateOptions options, bool guided, CancellationToken cancellation)
    {
        var prompt = Encode(options.Prompt, options.ClipSkip ?? 0, cancellation);
        if (!guided) return prompt;
        var negative = options.NegativePrompt == null && forceZerosForEmptyPrompt
            ? prompt with { Sequence = new float[prompt.Sequence.Length], Pooled = new float[prompt.Pooled!.Length] }
            : Encode(options.NegativePrompt ?? "", 0, cancellation);
        return new(2, prompt.Tokens, [.. negative.Sequence, .. prompt.Sequence], [.. negative.Pooled!, .. prompt.Pooled!]);
    }

    private protected override float[]? TimeIds(GenerateOptions options, GenerationPlan plan, int rows)
    {
        var own = new PixelSize(plan.Height, plan.Width);
        PixelSize original = options.OriginalSize ?? own, crop = options.CropTopLeft, target = options.TargetSize ?? own;
        float[] ids = [original.Height, original.Width, crop.Height, crop.Width, target.Height, target.Width];
        return PromptEmbeddings.Repeat(ids, 1, rows);
    }

    /// <summary>Both encoders' penultimate states side by side, and the second's projection.</summary>
    PromptEmbeddings Encode(string prompt, int clipSkip, CancellationToken cancellation)
    {
        var last = second.Encode(prompt, 1 + clipSkip, finalLayerNorm: false, pooled: true, cancellation);
        if (first == null) return new(1, second.Tokens, last.Sequence, last.Pooled);
        var other = first.Encode(prompt, 1 + clipSkip, finalLayerNorm: false, pooled: false, cancellation);
        int tokens = second.Tokens, a = other.Sequence.Length / tokens, b = last.Sequence.Length / tokens;
        var sequence = new float[tokens * (a + b)];
        for (var t = 0; t < tokens; t++)
        {
            other.Sequence.AsSpan(t * a, a).CopyTo(sequence.AsSpan(t * (a + b)));
            last.Sequence.AsSpan(t * b, b).CopyTo(sequence.AsSpan(t * (a + b) + a));
        }
        return new(1, tokens, sequence, last.Pooled);
    }
}
