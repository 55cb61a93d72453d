using System.Text;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>Reads the normalizers of a <c>tokenizer.json</c>.</summary>
static class TokenizersNormalizers
{
    /// <summary>One normalizer, which may be a sequence of them.</summary>
    /// <exception cref="PeaException">It is malformed or not known.</exception>
    public static INormalizer Read(JsonConfig json) => json.String("type") switch
    {
        "Sequence" => new NormalizerSequence([.. json.Objects("normalizers").Select(Read)]),
        "BertNormalizer" => new BertNormalizer(json.Bool("clean_text", true), json.Bool("handle_chinese_chars", true),
            json.IsNull("strip_accents") ? json.Bool("lowercase", true) : json.Bool("strip_accents"), json.Bool("lowercase", true)),
        "Precompiled" => new PrecompiledNormalizer(ReadCharsmap(json)),
        "NFC" => new FormNormalizer(NormalizationForm.FormC),
        "NFD" => new FormNormalizer(NormalizationForm.FormD),
        "NFKC" => new FormNormalizer(NormalizationForm.FormKC),
        "NFKD" => new FormNormalizer(NormalizationForm.FormKD),
        "Lowercase" => new LowercaseNormalizer(),
        "StripAccents" => new StripAccentsNormalizer(),
        "Strip" => new StripNormalizer(json.Bool("strip_left", true), json.Bool("strip_right", true)),
        "Prepend" => new PrependNormalizer(json.String("prepend")),
        "Replace" => new ReplaceNormalizer(ReadPattern(json), json.String("content")),
        _ => throw TokenizersFile.Unknown(json, "normalizer", "Sequence, BertNormalizer, Precompiled, NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Prepend or Replace"),
    };

    /// <summary>A pattern: <c>{"String": …}</c> or <c>{"Regex": …}</c>.</summary>
    public static TextPattern ReadPattern(JsonConfig json)
    {
        var pattern = json.Object("pattern") ?? throw json.Wrong("pattern", "a String or a Regex");
        return pattern.OptionalString("Regex") is { } regex ? TextPattern.Expression(json.Path, regex) : TextPattern.Literal(json.Path, pattern.String("String"));
    }

    static PrecompiledCharsmap ReadCharsmap(JsonConfig json)
    {
        try
        {
            return new(json.Path, Convert.FromBase64String(json.String("precompiled_charsmap")));
        }
        catch (FormatException)
        {
            throw json.Wrong("precompiled_charsmap", "bytes in base 64");
        }
    }
}
