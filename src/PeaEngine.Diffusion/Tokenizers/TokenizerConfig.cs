using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>A folder's <c>tokenizer_config.json</c>; where there is none, every value is the one for a missing key.</summary>
sealed class TokenizerConfig
{
    const double NoLimit = 1e20;
    const int LargestMaxLength = 1 << 20;

    readonly JsonConfig json;

    TokenizerConfig(JsonConfig json) => this.json = json;

    /// <summary>The class that wrote the folder, without the <c>Fast</c> at its end, or null.</summary>
    public string? ClassName => json.OptionalString("tokenizer_class") is { } name ? name.EndsWith("Fast", StringComparison.Ordinal) ? name[..^4] : name : null;

    /// <summary>model_max_length, or null where it is missing or, as transformers writes "no limit", a number beyond all models.</summary>
    /// <exception cref="PeaException">It is neither.</exception>
    public int? ModelMaxLength => json.OptionalFloat("model_max_length") switch
    {
        null or >= NoLimit => null,
        >= 2 and <= LargestMaxLength and { } length when length == Math.Floor(length) => (int)length,
        _ => throw json.Wrong("model_max_length", $"2 to {LargestMaxLength}"),
    };

    /// <summary>Reads a folder's file.</summary>
    /// <exception cref="PeaException">It is malformed.</exception>
    public static TokenizerConfig Read(string folder)
    {
        var path = Path.Combine(folder, "tokenizer_config.json");
        return new(File.Exists(path) ? JsonConfig.Load(path) : JsonConfig.Parse("{}"u8, path));
    }

    /// <summary>True, false, or a default.</summary>
    public bool Bool(string key, bool missing) => json.Bool(key, missing);

    /// <summary>True, false, or null where the key is missing or null.</summary>
    public bool? OptionalBool(string key) => json.IsNull(key) ? null : json.Bool(key);

    /// <summary>A special token, a string or an object with <c>content</c>; null where it is missing or null.</summary>
    public string? Token(string key) => json.Element(key) is { ValueKind: System.Text.Json.JsonValueKind.Object } ? json.Object(key)!.String("content") : json.OptionalString(key);
}
