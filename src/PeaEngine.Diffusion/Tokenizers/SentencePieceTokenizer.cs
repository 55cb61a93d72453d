namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>A SentencePiece model's ids in the order of a family of models, with that family's special tokens around them.</summary>
sealed class SentencePieceTokenizer : ITokenizer
{
    readonly SentencePieceProcessor processor;
    readonly int unknownId, offset, padId;
    readonly int[] first, last;

    SentencePieceTokenizer(SentencePieceProcessor processor, int unknownId, int offset, int[] first, int[] last, int padId, int? modelMaxLength)
    {
        (this.processor, this.unknownId, this.offset) = (processor, unknownId, offset);
        (this.first, this.last, this.padId, ModelMaxLength) = (first, last, padId, modelMaxLength);
    }

    /// <inheritdoc/>
    public int? ModelMaxLength { get; }

    /// <summary>fairseq's order, XLM-R's: 0 begins, 1 fills, 2 ends, 3 is unknown, and a piece's id is one more than the file's.</summary>
    public static SentencePieceTokenizer XlmRoberta(string path, TokenizerConfig config) =>
        new(SentencePieceProcessor.Load(path), unknownId: 3, offset: 1, first: [0], last: [2], padId: 1, config.ModelMaxLength);

    /// <summary>T5's: the file's own ids, nothing before the text, <c>&lt;/s&gt;</c> behind it.</summary>
    public static SentencePieceTokenizer T5(string path, TokenizerConfig config)
    {
        var processor = SentencePieceProcessor.Load(path);
        return Own(processor, config, [], [IdOf(path, processor, config.Token("eos_token") ?? "</s>")], IdOf(path, processor, config.Token("pad_token") ?? "<pad>"));
    }

    /// <summary>llama's: the file's own ids, <c>&lt;s&gt;</c> before the text; it has no token that fills, so that unknown does.</summary>
    public static SentencePieceTokenizer Llama(string path, TokenizerConfig config)
    {
        var processor = SentencePieceProcessor.Load(path);
        int[] first = config.Bool("add_bos_token", true) ? [IdOf(path, processor, config.Token("bos_token") ?? "<s>")] : [];
        int[] last = config.Bool("add_eos_token", false) ? [IdOf(path, processor, config.Token("eos_token") ?? "</s>")] : [];
        return Own(processor, config, first, last, config.Token("pad_token") is { } pad ? IdOf(path, processor, pad) : processor.UnknownId);
    }

    /// <inheritdoc/>
    public TokenizedText Encode(string text, int length) => TokenizedText.Of(first, Tokenize(text), last, padId, length);

    /// <summary>The ids of the text alone: nothing before, nothing behind, no limit.</summary>
    public List<int> Tokenize(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return processor.Encode(text).ConvertAll(id => id == processor.UnknownId ? unknownId : id + offset);
    }

    static SentencePieceTokenizer Own(SentencePieceProcessor processor, TokenizerConfig config, int[] first, int[] last, int padId) =>
        new(processor, processor.UnknownId, offset: 0, first, last, padId, config.ModelMaxLength);

    static int IdOf(string path, SentencePieceProcessor processor, string piece) =>
        processor.Find(piece) ?? throw new PeaException($"{path}: no piece '{TokenizerJson.Quote(piece)}', which is a special token");
}
