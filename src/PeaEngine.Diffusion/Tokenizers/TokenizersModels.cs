using System.Text;
using System.Text.Json;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>Reads the model of a <c>tokenizer.json</c>.</summary>
static class TokenizersModels
{
    /// <summary>The model and its vocabulary, token to id.</summary>
    /// <exception cref="PeaException">It is malformed or not known.</exception>
    public static ITokenModel Read(JsonConfig json, out Dictionary<string, int> vocabulary)
    {
        // Old files leave the type out, and only a unigram model's vocabulary is a list.
        switch (json.String("type", json.IsList("vocab") ? "Unigram" : json.Has("merges") ? "BPE" : "WordPiece"))
        {
            case "WordPiece":
                vocabulary = ReadVocabulary(json);
                return new WordPiece(vocabulary, IdOf(json, vocabulary, json.String("unk_token", "[UNK]")), json.Int("max_input_chars_per_word", 100), json.String("continuing_subword_prefix", "##"));
            case "Unigram": return ReadUnigram(json, out vocabulary);
            case "BPE": return ReadPairs(json, vocabulary = ReadVocabulary(json));
            default: throw TokenizersFile.Unknown(json, "model", "WordPiece, Unigram or BPE");
        }
    }

    static PieceEncoder ReadUnigram(JsonConfig json, out Dictionary<string, int> vocabulary)
    {
        if (!json.IsList("vocab")) throw json.Wrong("vocab", "a list of tokens and scores");
        vocabulary = [];
        var pieces = new PieceTrie();
        var scores = new List<double>();
        foreach (var entry in json.Element("vocab")!.Value.EnumerateArray())
        {
            if (entry.ValueKind != JsonValueKind.Array || entry.GetArrayLength() != 2 || entry[0].ValueKind != JsonValueKind.String || entry[1].ValueKind != JsonValueKind.Number)
                throw new PeaException($"{json.Path}: model.vocab[{scores.Count}] is {TokenizerJson.Quote(entry.GetRawText())}, expected a token and its score");
            var token = entry[0].GetString()!;
            vocabulary[token] = scores.Count;
            if (token.Length > 0) pieces.TryAdd(Encoding.UTF8.GetBytes(token), scores.Count);
            scores.Add(entry[1].GetDouble());
        }
        var unknownId = json.Int("unk_id");
        if (unknownId < 0 || unknownId >= scores.Count) throw json.Wrong("unk_id", $"0 to {scores.Count - 1}");
        var model = new Unigram(pieces, [.. scores], scores.Min() - Unigram.UnknownPenalty, single: false);
        return new(model, unknownId, json.Bool("byte_fallback", false) ? ReadByteIds(json, vocabulary) : null);
    }

    static PairModel ReadPairs(JsonConfig json, Dictionary<string, int> vocabulary)
    {
        foreach (var key in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
            if (json.OptionalString(key) is { Length: > 0 }) throw json.Wrong(key, "none, except CLIP's </w>");
        if (json.OptionalFloat("dropout") is not (null or 0)) throw json.Wrong("dropout", "none");
        if (!json.IsList("merges")) throw json.Wrong("merges", "a list of pairs");
        var merges = new List<(string, string)>();
        foreach (var merge in json.Element("merges")!.Value.EnumerateArray())
        {
            string[]? pair = merge.ValueKind switch
            {
                JsonValueKind.String => merge.GetString()!.Split(' '),
                JsonValueKind.Array when merge.EnumerateArray().All(token => token.ValueKind == JsonValueKind.String) => [.. merge.EnumerateArray().Select(token => token.GetString()!)],
                _ => null,
            };
            if (pair is not [var left, var right]) throw new PeaException($"{json.Path}: model.merges[{merges.Count}] is {TokenizerJson.Quote(merge.GetRawText())}, expected two tokens");
            merges.Add((left, right));
        }
        int? unknownId = json.OptionalString("unk_token") is { } unknown ? IdOf(json, vocabulary, unknown) : null;
        return new(vocabulary, new(json.Path, vocabulary, merges), unknownId, json.Bool("byte_fallback", false) ? ReadByteIds(json, vocabulary) : null, json.Bool("fuse_unk", false), json.Bool("ignore_merges", false));
    }

    static Dictionary<string, int> ReadVocabulary(JsonConfig json)
    {
        if (json.Object("vocab") == null) throw json.Wrong("vocab", "an object of ids");
        var vocabulary = new Dictionary<string, int>();
        foreach (var token in json.Element("vocab")!.Value.EnumerateObject())
        {
            if (token.Value.ValueKind != JsonValueKind.Number || !token.Value.TryGetInt32(out var id) || id < 0)
                throw new PeaException($"{json.Path}: token '{TokenizerJson.Quote(token.Name)}' has the id {TokenizerJson.Quote(token.Value.GetRawText())}, expected a whole number from 0");
            vocabulary[token.Name] = id;
        }
        return vocabulary.Count > 0 ? vocabulary : throw json.Wrong("vocab", "at least one token");
    }

    static int[] ReadByteIds(JsonConfig json, Dictionary<string, int> vocabulary) => PieceEncoder.ByteIds(name => IdOf(json, vocabulary, name));

    static int IdOf(JsonConfig json, Dictionary<string, int> vocabulary, string token) =>
        vocabulary.TryGetValue(token, out var id) ? id : throw new PeaException($"{json.Path}: no token '{TokenizerJson.Quote(token)}' in model.vocab, which the model needs");
}
