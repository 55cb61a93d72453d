using System.Text.Json;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>
/// What the files of a tokenizer folder say, in transformers' order of precedence: the vocabulary is tokenizer.json's where that is
/// there; added tokens are those of tokenizer_config.json's <c>added_tokens_decoder</c>, and only without it special_tokens_map.json and
/// tokenizer.json's <c>added_tokens</c> are looked at.
/// </summary>
sealed class ClipTokenizerFiles
{
    const int DefaultMaxLength = 77, LargestMaxLength = 1 << 20;

    readonly Dictionary<string, AddedToken> added = [];

    /// <summary>Token to id, without what is only added.</summary>
    public Dictionary<string, int> Vocabulary { get; } = [];

    /// <summary>The merges, best first.</summary>
    public List<(string Left, string Right)> Merges { get; } = [];

    /// <summary>The file that the merges come from.</summary>
    public string MergesPath { get; private set; } = "";

    /// <summary>Tokens to find in the text as it stands.</summary>
    public IEnumerable<AddedToken> AddedTokens => added.Values;

    /// <summary>The token that begins a prompt.</summary>
    public string BosToken { get; private set; } = ClipVocabulary.Begin;

    /// <summary>The token that ends a prompt.</summary>
    public string EosToken { get; private set; } = ClipVocabulary.End;

    /// <summary>The token that a byte without one becomes.</summary>
    public string UnkToken { get; private set; } = ClipVocabulary.End;

    /// <summary>The token that fills.</summary>
    public string PadToken { get; private set; } = ClipVocabulary.End;

    /// <summary>model_max_length.</summary>
    public int ModelMaxLength { get; private set; } = DefaultMaxLength;

    /// <summary>Reads a folder.</summary>
    /// <exception cref="PeaException">A file is missing or malformed.</exception>
    public static ClipTokenizerFiles Read(string folder)
    {
        var files = new ClipTokenizerFiles();
        string single = Path.Combine(folder, "tokenizer.json"), config = Path.Combine(folder, "tokenizer_config.json");
        string vocabulary = Path.Combine(folder, "vocab.json"), merges = Path.Combine(folder, "merges.txt");
        var hasDecoder = false;
        if (File.Exists(config)) TokenizerJson.Read(config, root => hasDecoder = files.ReadConfig(config, root));
        if (!hasDecoder && Path.Combine(folder, "special_tokens_map.json") is var map && File.Exists(map))
            TokenizerJson.Read(map, root => files.ReadSpecialTokens(map, root));
        if (File.Exists(single)) TokenizerJson.Read(single, root => files.ReadSingle(single, root, takeAdded: !hasDecoder));
        else if (File.Exists(vocabulary) && File.Exists(merges))
        {
            TokenizerJson.Read(vocabulary, root => files.ReadVocabulary(vocabulary, root));
            files.ReadMerges(merges);
        }
        else throw new PeaException($"{folder}: no CLIP tokenizer, expected vocab.json and merges.txt, or tokenizer.json");
        files.AddSpecialTokens();
        return files;
    }

    /// <summary>OpenAI's, which is embedded.</summary>
    /// <param name="padToken">The token that fills.</param>
    public static ClipTokenizerFiles OpenAi(string padToken)
    {
        var files = new ClipTokenizerFiles { MergesPath = ClipVocabulary.MergesName, PadToken = padToken };
        files.Merges.AddRange(ClipVocabulary.Merges());
        foreach (var token in ClipVocabulary.Tokens(files.Merges)) files.Vocabulary.Add(token, files.Vocabulary.Count);
        files.AddSpecialTokens();
        return files;
    }

    void AddSpecialTokens()
    {
        foreach (var token in new[] { BosToken, EosToken, UnkToken, PadToken }) added.TryAdd(token, new AddedToken(token));
    }

    bool ReadConfig(string path, JsonElement root)
    {
        if (root.TryGetProperty("model_max_length", out var length) && length.ValueKind != JsonValueKind.Null)
        {
            // transformers writes 1e30 for "no limit".
            if (length.ValueKind != JsonValueKind.Number || !length.TryGetDouble(out var value) || (value < 1e20 && value is not (>= 2 and <= LargestMaxLength)))
                throw new PeaException($"{path}: model_max_length {TokenizerJson.Quote(length.GetRawText())}, expected 2 to {LargestMaxLength}");
            if (value < 1e20) ModelMaxLength = (int)value;
        }
        ReadSpecialTokens(path, root);
        if (!root.TryGetProperty("added_tokens_decoder", out var decoder)) return false;
        foreach (var entry in TokenizerJson.Object(path, "added_tokens_decoder", decoder).EnumerateObject()) Add(path, entry.Value);
        return true;
    }

    void ReadSpecialTokens(string path, JsonElement root)
    {
        BosToken = TokenizerJson.Token(path, root, "bos_token") ?? BosToken;
        EosToken = TokenizerJson.Token(path, root, "eos_token") ?? EosToken;
        UnkToken = TokenizerJson.Token(path, root, "unk_token") ?? UnkToken;
        PadToken = TokenizerJson.Token(path, root, "pad_token") ?? PadToken;
    }

    void ReadSingle(string path, JsonElement root, bool takeAdded)
    {
        var model = TokenizerJson.Object(path, "model", TokenizerJson.Get(path, root, "model"));
        if (model.TryGetProperty("type", out var type) && !type.ValueEquals("BPE"))
            throw new PeaException($"{path}: model type {TokenizerJson.Quote(type.GetRawText())}, expected \"BPE\", as CLIP's is");
        ReadVocabulary(path, TokenizerJson.Object(path, "model.vocab", TokenizerJson.Get(path, model, "vocab")));
        MergesPath = path;
        foreach (var merge in TokenizerJson.Array(path, "model.merges", TokenizerJson.Get(path, model, "merges")).EnumerateArray())
        {
            if (merge.ValueKind == JsonValueKind.String) AddMerge(path, merge.GetString()!);
            else if (merge.ValueKind == JsonValueKind.Array && merge.GetArrayLength() == 2) Merges.Add((merge[0].GetString() ?? "", merge[1].GetString() ?? ""));
            else throw new PeaException($"{path}: merge {Merges.Count} is {TokenizerJson.Quote(merge.GetRawText())}, expected two tokens");
        }
        if (!takeAdded || !root.TryGetProperty("added_tokens", out var tokens)) return;
        foreach (var token in TokenizerJson.Array(path, "added_tokens", tokens).EnumerateArray()) Add(path, token);
    }

    void ReadVocabulary(string path, JsonElement root)
    {
        foreach (var entry in root.EnumerateObject())
        {
            if (entry.Value.ValueKind != JsonValueKind.Number || !entry.Value.TryGetInt32(out var id) || id is < 0 or >= int.MaxValue / 2)
                throw new PeaException($"{path}: token '{TokenizerJson.Quote(entry.Name)}' has the id {TokenizerJson.Quote(entry.Value.GetRawText())}, expected a whole number from 0");
            Vocabulary[entry.Name] = id;
        }
        if (Vocabulary.Count == 0) throw new PeaException($"{path}: an empty vocabulary, expected tokens and their ids");
    }

    void ReadMerges(string path)
    {
        MergesPath = path;
        foreach (var line in TokenizerJson.ReadLines(path))
            if (line.Length > 0 && !line.StartsWith("#version", StringComparison.Ordinal)) AddMerge(path, line);
    }

    void AddMerge(string path, string line)
    {
        var space = line.IndexOf(' ');
        if (space <= 0 || space == line.Length - 1 || line.IndexOf(' ', space + 1) >= 0)
            throw new PeaException($"{path}: merge {Merges.Count} is '{TokenizerJson.Quote(line)}', expected two tokens with a space between them");
        Merges.Add((line[..space], line[(space + 1)..]));
    }

    void Add(string path, JsonElement element)
    {
        var token = TokenizerJson.Object(path, "an added token", element);
        var content = TokenizerJson.Get(path, token, "content").GetString() ?? "";
        // What a file leaves out follows tokenizers' AddedToken: special tokens are found in the raw text.
        added[content] = new(content, Flag("normalized") ?? !(Flag("special") ?? false), Flag("lstrip") ?? false, Flag("rstrip") ?? false, Flag("single_word") ?? false);

        bool? Flag(string name) => token.TryGetProperty(name, out var value) ? value.GetBoolean() : null;
    }
}
