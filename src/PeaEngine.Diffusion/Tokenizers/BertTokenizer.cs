namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>BERT's tokenizer from <c>vocab.txt</c>, whose lines are the tokens in the order of their ids.</summary>
static class BertTokenizer
{
    /// <summary>The vocabulary's file.</summary>
    public const string FileName = "vocab.txt";

    /// <summary>Reads a folder's vocabulary and, for transformers' way, its <c>tokenizer_config.json</c>.</summary>
    /// <exception cref="PeaException">A file is missing or malformed, or the vocabulary lacks a special token.</exception>
    public static ComposedTokenizer Load(string folder, BertDialect dialect)
    {
        var path = Path.Combine(folder, FileName);
        var vocabulary = ReadVocabulary(path);
        var config = TokenizerConfig.Read(folder);
        if (dialect == BertDialect.ChineseClip)
        {
            return new()
            {
                Normalizer = new BertNormalizer(dialect: dialect),
                PreTokenizer = new BertPreTokenizer(),
                Model = new WordPiece(vocabulary, IdOf("[UNK]"), maxInputCharsPerWord: 200),
                First = [IdOf("[CLS]")],
                Last = [IdOf("[SEP]")],
                PadTokenId = 0,
                ModelMaxLength = config.ModelMaxLength,
            };
        }
        var lowercase = config.Bool("do_lower_case", true);
        string unknown = config.Token("unk_token") ?? "[UNK]", first = config.Token("cls_token") ?? "[CLS]", last = config.Token("sep_token") ?? "[SEP]";
        string pad = config.Token("pad_token") ?? "[PAD]", mask = config.Token("mask_token") ?? "[MASK]";
        return new()
        {
            Normalizer = new BertNormalizer(handleChineseChars: config.Bool("tokenize_chinese_chars", true), stripAccents: config.OptionalBool("strip_accents") ?? lowercase, lowercase: lowercase),
            PreTokenizer = new BertPreTokenizer(),
            Model = new WordPiece(vocabulary, IdOf(unknown), maxInputCharsPerWord: 100),
            RawTokens = new(new[] { unknown, last, pad, first, mask }.Distinct().Where(vocabulary.ContainsKey).Select(token => (token, new AddedToken(token), vocabulary[token]))),
            First = [IdOf(first)],
            Last = [IdOf(last)],
            PadTokenId = IdOf(pad),
            ModelMaxLength = config.ModelMaxLength,
        };

        int IdOf(string token) => vocabulary.TryGetValue(token, out var id) ? id : throw new PeaException($"{path}: no token '{TokenizerJson.Quote(token)}' among {vocabulary.Count}, expected BERT's vocabulary");
    }

    static Dictionary<string, int> ReadVocabulary(string path)
    {
        var vocabulary = new Dictionary<string, int>();
        var id = 0;
        // A token twice has the later id, as in both implementations.
        foreach (var line in TokenizerJson.ReadLines(path)) vocabulary[line.Trim()] = id++;
        return vocabulary;
    }
}
