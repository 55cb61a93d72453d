using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>Reads the pre-tokenizers of a <c>tokenizer.json</c>.</summary>
static class TokenizersPreTokenizers
{
    /// <summary>One pre-tokenizer, which may be a sequence of them.</summary>
    /// <exception cref="PeaException">It is malformed or not known.</exception>
    public static IPreTokenizer Read(JsonConfig json) => json.String("type") switch
    {
        "Sequence" => new PreTokenizerSequence([.. json.Objects("pretokenizers").Select(Read)]),
        "BertPreTokenizer" => new BertPreTokenizer(),
        "Metaspace" => ReadMetaspace(json),
        "Whitespace" => new SplitPreTokenizer(TextPattern.Expression(json.Path, @"\w+|[^\w\s]+"), SplitBehavior.Removed, invert: true),
        "WhitespaceSplit" => new WhitespaceSplit(),
        "ByteLevel" => new ByteLevelPreTokenizer(json.Bool("add_prefix_space", true), json.Bool("use_regex", true)),
        "Split" => new SplitPreTokenizer(TokenizersNormalizers.ReadPattern(json), ReadBehavior(json), json.Bool("invert", false)),
        _ => throw TokenizersFile.Unknown(json, "pre-tokenizer", "Sequence, BertPreTokenizer, Metaspace, Whitespace, WhitespaceSplit, ByteLevel or Split"),
    };

    static Metaspace ReadMetaspace(JsonConfig json)
    {
        if (json.String("replacement", "▁") is not [var replacement]) throw json.Wrong("replacement", "one character");
        // Files have one or the other; add_prefix_space is the older.
        var scheme = json.String("prepend_scheme", json.Bool("add_prefix_space", true) ? "always" : "never");
        if (scheme is not ("always" or "first" or "never")) throw json.Wrong("prepend_scheme", "always, first or never");
        return new(replacement, scheme != "never", scheme == "first", json.Bool("split", true));
    }

    static SplitBehavior ReadBehavior(JsonConfig json) =>
        Enum.TryParse<SplitBehavior>(json.String("behavior"), out var behavior) && Enum.IsDefined(behavior)
            ? behavior
            : throw json.Wrong("behavior", string.Join(", ", Enum.GetNames<SplitBehavior>()));
}
