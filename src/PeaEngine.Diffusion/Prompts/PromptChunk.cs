using PeaEngine.Diffusion.Tokenizers;

namespace PeaEngine.Diffusion.Prompts;

/// <summary>As much of a prompt as a text encoder takes at once, without the special tokens around it.</summary>
/// <param name="Ids">Tokens.</param>
/// <param name="Weights">What their states are multiplied by.</param>
readonly record struct PromptChunk(List<int> Ids, List<double> Weights)
{
    /// <summary>How far behind a comma a chunk may end without breaking at the comma: A1111's comma_padding_backtrack.</summary>
    const int CommaBacktrack = 20;

    /// <summary>Cuts a weighted prompt into chunks as A1111 does; there is always one.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="size">Tokens of a chunk.</param>
    /// <exception cref="OptionException">The prompt is malformed.</exception>
    public static List<PromptChunk> Cut(string prompt, ClipTokenizer tokenizer, int size)
    {
        var commas = tokenizer.Tokenize(",");
        var comma = commas.Count == 1 ? commas[0] : -1;
        List<PromptChunk> chunks = [];
        PromptChunk chunk = new([], []);
        var afterComma = 0;
        foreach (var part in PromptPart.Parse(prompt))
        {
            if (part.IsBreak)
            {
                End();
                continue;
            }
            foreach (var id in tokenizer.Tokenize(part.Text))
            {
                // A comma that opens a chunk for want of room is forgotten, as with A1111.
                if (id == comma) afterComma = chunk.Ids.Count + 1;
                else if (chunk.Ids.Count == size && afterComma > 0 && size - afterComma < CommaBacktrack)
                {
                    var rest = new PromptChunk(chunk.Ids[afterComma..], chunk.Weights[afterComma..]);
                    chunk.Ids.RemoveRange(afterComma, rest.Ids.Count);
                    chunk.Weights.RemoveRange(afterComma, rest.Ids.Count);
                    End();
                    chunk = rest;
                }
                if (chunk.Ids.Count == size) End();
                chunk.Ids.Add(id);
                chunk.Weights.Add(part.Weight);
            }
        }
        if (chunk.Ids.Count > 0 || chunks.Count == 0) End();
        return chunks;

        void End()
        {
            chunks.Add(chunk);
            (chunk, afterComma) = (new([], []), 0);
        }
    }

    /// <summary>Multiplies a chunk's states by its weights, then all of them by what gives them the mean that they had.</summary>
    /// <param name="states">[tokens, channels], the special tokens' among them.</param>
    /// <param name="channels">Channels.</param>
    public void Weigh(Span<float> states, int channels)
    {
        if (Weights.TrueForAll(weight => weight == 1)) return;
        double before = Sum(states), after;
        for (var i = 0; i < Weights.Count; i++)
            // The token that begins the chunk comes first.
            foreach (ref var value in states.Slice((i + 1) * channels, channels)) value = (float)(value * Weights[i]);
        after = Sum(states);
        if (after == 0) return;
        foreach (ref var value in states) value = (float)(value * (before / after));
    }

    static double Sum(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (var value in values) sum += value;
        return sum;
    }
}
