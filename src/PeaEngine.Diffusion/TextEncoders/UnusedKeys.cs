namespace PeaEngine.Diffusion.TextEncoders;

/// <summary>
/// What published checkpoints hold beside the text encoder whose last hidden state is wanted: the other half of a model of pictures and
/// texts, heads that were trained on the states, and stored constants. All else must be taken.
/// </summary>
static class UnusedKeys
{
    static readonly string[] Beginnings =
    [
        // CLIP's image tower, projections and scale, as transformers, OpenCLIP and cn_clip call them.
        "vision_model.", "visual_projection.", "visual.", "text_projection", "text.proj.", "logit_scale", "logit_bias",
        // Heads for language modelling, next sentences, classes and answers; the decoder of a whole T5.
        "cls.", "lm_head.", "classifier.", "qa_outputs.", "decoder.",
    ];

    static readonly string[] Endings =
    [
        "pooler.dense.weight", "pooler.dense.bias",
        "embeddings.position_ids", "embeddings.token_type_ids",
        // T5's table of tokens once more.
        "encoder.embed_tokens.weight",
    ];

    /// <summary>Whether a key is one of these; <c>module.</c>, which training on several devices puts before all keys, does not matter.</summary>
    public static bool Contains(string key)
    {
        const string wrapper = "module.";
        if (key.StartsWith(wrapper, StringComparison.Ordinal)) key = key[wrapper.Length..];
        return Array.Exists(Beginnings, beginning => key.StartsWith(beginning, StringComparison.Ordinal))
            || Array.Exists(Endings, ending => key.EndsWith(ending, StringComparison.Ordinal));
    }
}
