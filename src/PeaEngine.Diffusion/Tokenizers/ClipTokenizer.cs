namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>transformers' CLIPTokenizer: byte-level byte-pair encoding of lower-cased text, between a begin and an end token.</summary>
public sealed class ClipTokenizer : ITokenizer
{
    readonly AddedTokens rawTokens, normalizedTokens;
    readonly BytePairEncoding encoding;
    readonly Dictionary<string, int> ids;

    ClipTokenizer(ClipTokenizerFiles files)
    {
        ids = new Dictionary<string, int>(files.Vocabulary);
        var size = ids.Values.Max() + 1;
        foreach (var token in files.AddedTokens)
            if (ids.TryAdd(token.Content, size)) size++;
        (VocabularySize, ModelMaxLength) = (size, files.ModelMaxLength);
        (BosTokenId, EosTokenId, PadTokenId) = (ids[files.BosToken], ids[files.EosToken], ids[files.PadToken]);
        rawTokens = new(files.AddedTokens.Where(token => !token.Normalized).Select(token => (token.Content, token, ids[token.Content])));
        normalizedTokens = new(files.AddedTokens.Where(token => token.Normalized).Select(token => (ClipText.Normalize(token.Content), token, ids[token.Content])));
        encoding = new(files.MergesPath, files.Vocabulary, files.Merges, ids[files.UnkToken]);
    }

    /// <summary>The length of an encoded prompt.</summary>
    public int ModelMaxLength { get; }

    int? ITokenizer.ModelMaxLength => ModelMaxLength;

    /// <summary>One more than the largest id that <see cref="Encode(string)"/> can give.</summary>
    public int VocabularySize { get; }

    /// <summary>The token that begins a prompt.</summary>
    public int BosTokenId { get; }

    /// <summary>The token that ends a prompt.</summary>
    public int EosTokenId { get; }

    /// <summary>The token that fills an encoded prompt.</summary>
    public int PadTokenId { get; }

    /// <summary>
    /// Reads <c>tokenizer.json</c>, or <c>vocab.json</c> and <c>merges.txt</c>, with <c>tokenizer_config.json</c> and
    /// <c>special_tokens_map.json</c> where they are there.
    /// </summary>
    /// <exception cref="PeaException">A file is missing or malformed.</exception>
    public static ClipTokenizer Load(string folder) => new(ClipTokenizerFiles.Read(folder));

    /// <summary>OpenAI's CLIP's own, for which no file is needed.</summary>
    /// <param name="padToken">What fills a prompt: <c>&lt;|endoftext|&gt;</c>, or <c>!</c> for OpenCLIP's models.</param>
    /// <exception cref="PeaException">The vocabulary has no such token.</exception>
    internal static ClipTokenizer OpenAi(string padToken) => new(ClipTokenizerFiles.OpenAi(padToken));

    /// <summary>
    /// The ids of a prompt as diffusers asks for them: begin, text, end, padded or cut to <see cref="ModelMaxLength"/> (a cut prompt
    /// keeps its end token). A lone surrogate reads as U+FFFD.
    /// </summary>
    public int[] Encode(string text) => Encode(text, ModelMaxLength).Ids;

    /// <inheritdoc/>
    public TokenizedText Encode(string text, int length) => Encode(Tokenize(text), length);

    /// <summary>The same of tokens, as <see cref="Tokenize"/> gives them.</summary>
    internal TokenizedText Encode(List<int> tokens, int length) => TokenizedText.Of([BosTokenId], tokens, [EosTokenId], PadTokenId, length);

    /// <summary>
    /// The end of a prompt that <see cref="Encode(string)"/> leaves out, as transformers decodes its tokens: normalized, with a space after each
    /// word. Null where the whole prompt fits.
    /// </summary>
    public string? CutOff(string text)
    {
        var tokens = Tokenize(text);
        if (tokens.Count <= ModelMaxLength - 2) return null;
        var names = new string[VocabularySize];
        foreach (var (name, id) in ids) names[id] = name;
        return BytePairEncoding.Decode(tokens.Skip(ModelMaxLength - 2).Select(id => names[id]));
    }

    /// <summary>The ids of the text alone: no begin, no end, no limit.</summary>
    public List<int> Tokenize(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>();
        var queue = new PriorityQueue<(int, int), (int, int)>();
        foreach (var (stretch, rawId) in rawTokens.Split(text))
        {
            if (rawId >= 0)
            {
                ids.Add(rawId);
                continue;
            }
            foreach (var (part, id) in normalizedTokens.Split(ClipText.Normalize(stretch)))
            {
                if (id >= 0)
                {
                    ids.Add(id);
                    continue;
                }
                var words = new ClipText.Words(part);
                while (words.Next(out var word)) encoding.Encode(word, ids, queue);
            }
        }
        return ids;
    }
}
