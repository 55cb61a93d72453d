using System.Text.Json;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>Reads the tokenizers library's <c>tokenizer.json</c>: added tokens, normalizer, pre-tokenizer, model and post-processor.</summary>
static class TokenizersFile
{
    /// <summary>The file's name.</summary>
    public const string FileName = "tokenizer.json";

    /// <summary>Reads a folder's file, and its <c>tokenizer_config.json</c> for the length and what fills.</summary>
    /// <exception cref="PeaException">It is malformed, or has a part that is not known here.</exception>
    public static ITokenizer Load(string folder)
    {
        var file = JsonConfig.Load(Path.Combine(folder, FileName));
        var parts = file.Object("model") ?? throw file.Wrong("model", "an object");
        // Only CLIP's byte-pair encoding marks the ends of words.
        if (parts.OptionalString("end_of_word_suffix") == BytePairEncoding.EndOfWord) return ClipTokenizer.Load(folder);
        var config = TokenizerConfig.Read(folder);
        var normalizer = file.Object("normalizer") is { } normal ? TokenizersNormalizers.Read(normal) : null;
        var added = file.Objects("added_tokens").Select(ReadAdded).ToList();
        var model = TokenizersModels.Read(parts, out var vocabulary);
        var (first, last) = file.Object("post_processor") is { } processor ? ReadPostProcessor(processor) : ([], []);
        var pad = config.Token("pad_token") ?? file.Object("padding")?.OptionalString("pad_token");
        return new ComposedTokenizer
        {
            RawTokens = new(added.Where(token => !token.Token.Normalized).Select(token => (token.Token.Content, token.Token, token.Id))),
            Normalizer = normalizer,
            NormalizedTokens = new(added.Where(token => token.Token.Normalized).Select(token => (normalizer?.Normalize(token.Token.Content) ?? token.Token.Content, token.Token, token.Id))),
            PreTokenizer = file.Object("pre_tokenizer") is { } cut ? TokenizersPreTokenizers.Read(cut) : null,
            Model = model,
            First = first,
            Last = last,
            PadTokenId = pad != null
                ? Find(pad) ?? throw new PeaException($"{file.Path}: no token '{TokenizerJson.Quote(pad)}', which is what fills")
                : Find("[PAD]") ?? Find("<pad>") ?? 0,
            ModelMaxLength = config.ModelMaxLength,
        };

        int? Find(string token) => added.Where(entry => entry.Token.Content == token).Select(entry => (int?)entry.Id).FirstOrDefault()
            ?? (vocabulary.TryGetValue(token, out var id) ? id : null);
    }

    /// <summary>An error about a part of a type that is not known.</summary>
    public static PeaException Unknown(JsonConfig part, string what, string expected) =>
        new($"{part.Path}: a {what} of type '{TokenizerJson.Quote(part.String("type"))}', expected {expected}");

    static (AddedToken Token, int Id) ReadAdded(JsonConfig token) =>
        (new(token.String("content"), token.Bool("normalized", !token.Bool("special", false)), token.Bool("lstrip", false), token.Bool("rstrip", false), token.Bool("single_word", false)), ReadId(token, "id"));

    static int ReadId(JsonConfig json, string key) => json.Int(key) is >= 0 and var id ? id : throw json.Wrong(key, "a whole number from 0");

    static (int[] First, int[] Last) ReadPostProcessor(JsonConfig processor)
    {
        switch (processor.String("type"))
        {
            case "TemplateProcessing": return ReadTemplate(processor);
            case "BertProcessing" or "RobertaProcessing": return ([PairId("cls")], [PairId("sep")]);
            // It moves offsets, which nobody asks for here.
            case "ByteLevel": return ([], []);
            case "Sequence":
                int[] first = [], last = [];
                foreach (var (before, behind) in processor.Objects("processors").Select(ReadPostProcessor)) (first, last) = ([.. before, .. first], [.. last, .. behind]);
                return (first, last);
            default: throw Unknown(processor, "post-processor", "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel or Sequence");
        }

        int PairId(string key) => processor.Element(key) is { ValueKind: JsonValueKind.Array } pair && pair.GetArrayLength() == 2
            && pair[1].ValueKind == JsonValueKind.Number && pair[1].TryGetInt32(out var id) && id >= 0 ? id : throw processor.Wrong(key, "a token and its id");
    }

    static (int[] First, int[] Last) ReadTemplate(JsonConfig processor)
    {
        List<int> first = [], last = [];
        var isBehind = false;
        foreach (var part in processor.Objects("single"))
        {
            if (part.Object("SpecialToken") is not { } special)
            {
                if (part.Object("Sequence") == null || isBehind) throw processor.Wrong("single", "special tokens around one sequence");
                isBehind = true;
                continue;
            }
            var token = special.String("id");
            var ids = processor.Object("special_tokens")?.Object(token)?.Ints("ids") ?? throw processor.Wrong("special_tokens", $"the ids of '{TokenizerJson.Quote(token)}'");
            if (ids.Any(id => id < 0)) throw processor.Wrong("special_tokens", "ids from 0");
            (isBehind ? last : first).AddRange(ids);
        }
        return isBehind ? ([.. first], [.. last]) : throw processor.Wrong("single", "special tokens around one sequence");
    }
}
