namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>
/// A tokenizer as the tokenizers library composes them: tokens found in the raw text, a normalizer, tokens found in what it gives, a
/// pre-tokenizer, a model, and special tokens around the result.
/// </summary>
sealed class ComposedTokenizer : ITokenizer
{
    static readonly AddedTokens None = new([]);

    /// <summary>Rewrites the text, or null.</summary>
    public INormalizer? Normalizer { get; init; }

    /// <summary>Cuts it into words, or null where the model takes it whole.</summary>
    public IPreTokenizer? PreTokenizer { get; init; }

    /// <summary>Encodes words.</summary>
    public required ITokenModel Model { get; init; }

    /// <summary>Tokens to find in the text as it stands.</summary>
    public AddedTokens RawTokens { get; init; } = None;

    /// <summary>Tokens to find in the normalized text.</summary>
    public AddedTokens NormalizedTokens { get; init; } = None;

    /// <summary>The special tokens before the text.</summary>
    public int[] First { get; init; } = [];

    /// <summary>The special tokens behind it.</summary>
    public int[] Last { get; init; } = [];

    /// <summary>What fills.</summary>
    public required int PadTokenId { get; init; }

    /// <inheritdoc/>
    public int? ModelMaxLength { get; init; }

    /// <inheritdoc/>
    public TokenizedText Encode(string text, int length) => TokenizedText.Of(First, Tokenize(text), Last, PadTokenId, length);

    /// <summary>The ids of the text alone: nothing before, nothing behind, no limit.</summary>
    public List<int> Tokenize(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<int> ids = [];
        List<string> words = [];
        var isFirst = true;
        foreach (var (stretch, rawId) in RawTokens.Split(text))
        {
            if (rawId >= 0)
            {
                ids.Add(rawId);
                isFirst = false;
                continue;
            }
            foreach (var (part, id) in NormalizedTokens.Split(Normalizer?.Normalize(stretch) ?? stretch))
            {
                if (id >= 0) ids.Add(id);
                else if (PreTokenizer == null) Model.Encode(part, ids);
                else
                {
                    words.Clear();
                    PreTokenizer.Split(part, isFirst, words);
                    foreach (var word in words) Model.Encode(word, ids);
                }
                isFirst = false;
            }
        }
        return ids;
    }
}
