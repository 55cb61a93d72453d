namespace PeaEngine.Diffusion.Pipelines;

/// <summary>
/// What the text encoders make of a prompt, on the host: with guidance two rows, the unconditional first; without, one.
/// </summary>
/// <param name="Rows">1 or 2.</param>
/// <param name="Tokens">Positions of the sequence.</param>
/// <param name="Sequence">encoder_hidden_states, [rows, tokens, channels].</param>
/// <param name="Pooled">text_embeds, [rows, channels], for models that take them.</param>
sealed record PromptEmbeddings(int Rows, int Tokens, float[] Sequence, float[]? Pooled)
{
    /// <summary>The rows repeated for <paramref name="count"/> pictures of the prompt: [rows·count, ..].</summary>
    public static float[] Repeat(float[] rows, int rowCount, int count)
    {
        var size = rows.Length / rowCount;
        var repeated = new float[rows.Length * count];
        for (var i = 0; i < rowCount * count; i++) rows.AsSpan(i / count * size, size).CopyTo(repeated.AsSpan(i * size));
        return repeated;
    }
}
