namespace PeaEngine.Diffusion.Pipelines;

/// <summary>
/// What the text encoders make of texts, on the host: a row for each. Of a generation's prompt, with guidance two rows, the unconditional first; without, one.
/// </summary>
/// <param name="Rows">How many texts.</param>
/// <param name="Tokens">Positions of the sequence.</param>
/// <param name="Sequence">encoder_hidden_states, [rows, tokens, channels].</param>
/// <param name="Pooled">text_embeds, [rows, channels], for models that take them.</param>
public sealed record PromptEmbeddings(int Rows, int Tokens, float[] Sequence, float[]? Pooled)
{
    /// <summary>The rows of several, of as many tokens each, one below the other.</summary>
    internal static PromptEmbeddings Concat(IReadOnlyList<PromptEmbeddings> parts) => new(parts.Sum(part => part.Rows), parts[0].Tokens,
        [.. parts.SelectMany(part => part.Sequence)], parts[0].Pooled == null ? null : [.. parts.SelectMany(part => part.Pooled!)]);

    /// <summary>The rows repeated for <paramref name="count"/> pictures of the prompt: [rows·count, ..].</summary>
    internal static float[] Repeat(float[] rows, int rowCount, int count)
    {
        var size = rows.Length / rowCount;
        var repeated = new float[rows.Length * count];
        for (var i = 0; i < rowCount * count; i++) rows.AsSpan(i / count * size, size).CopyTo(repeated.AsSpan(i * size));
        return repeated;
    }
}
