using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace PeaEngine.Formats;

/// <summary>
/// A JSON configuration (<c>config.json</c>, <c>scheduler_config.json</c>, <c>model_index.json</c>) or an object inside it, with typed
/// getters. A getter with a default gives it where the key is missing or null, one without it needs the key; a value of another type is
/// an error naming file, key, value and what was expected. <c>Infinity</c>, <c>-Infinity</c> and <c>NaN</c>, which Python writes, are read.
/// </summary>
public sealed class JsonConfig
{
    const long MaxBytes = 1 << 26;

    readonly JsonElement element;
    readonly string place;

    JsonConfig(string path, JsonElement element, string place) => (Path, this.element, this.place) = (path, element, place);

    /// <summary>The file, for messages.</summary>
    public string Path { get; }

    /// <summary>The keys, in the file's order.</summary>
    public IEnumerable<string> Keys => element.EnumerateObject().Select(property => property.Name);

    /// <summary>Reads a file whose top is an object.</summary>
    /// <exception cref="PeaException">It cannot be read, is larger than 64 MB, or is no JSON object.</exception>
    public static JsonConfig Load(string path)
    {
        try
        {
            var bytes = new FileInfo(path).Length;
            if (bytes > MaxBytes) throw new PeaException($"{path}: {bytes} bytes, expected a configuration of at most {MaxBytes}");
            return Parse(File.ReadAllBytes(path), path);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new PeaException($"{path}: no such file, expected a JSON configuration", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new PeaException($"{path}: {exception.Message.ReplaceLineEndings(" ")}, expected a JSON configuration", exception);
        }
    }

    /// <summary>Reads UTF-8 text whose top is an object; <paramref name="path"/> names it in messages.</summary>
    /// <exception cref="PeaException">It is no JSON object.</exception>
    public static JsonConfig Parse(ReadOnlySpan<byte> json, string path)
    {
        if (json.StartsWith("\uFEFF"u8)) json = json[3..];
        try
        {
            var standard = PythonJson.QuoteNonFinite(json);
            CheckTexts(standard.Span);
            using var document = JsonDocument.Parse(standard);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) throw new PeaException($"{path}: the JSON is {Describe(root)}, expected an object");
            return new JsonConfig(path, root.Clone(), "");
        }
        catch (JsonException exception)
        {
            throw new PeaException($"{path}: not valid JSON: {exception.Message.ReplaceLineEndings(" ")}", exception);
        }
        catch (InvalidOperationException exception)
        {
            throw new PeaException($"{path}: not valid JSON: a string is not Unicode text", exception);
        }
    }

    /// <summary>Whether the key is there, null or not.</summary>
    public bool Has(string key) => element.TryGetProperty(key, out _);

    /// <summary>Whether the key is missing or null, so that a getter gives its default. Where null itself means something, ask <see cref="Has"/> too.</summary>
    public bool IsNull(string key) => Find(key) == null;

    /// <summary>Whether the value is a list.</summary>
    public bool IsList(string key) => Find(key)?.ValueKind == JsonValueKind.Array;

    /// <summary>A whole number.</summary>
    /// <exception cref="PeaException">The key is needed and missing, or the value is something else.</exception>
    public int Int(string key, int? missing = null) => Find(key) is { } value ? ToInt(value, key) : missing ?? throw Missing(key, "a whole number");

    /// <summary>A number.</summary>
    /// <inheritdoc cref="Int"/>
    public double Float(string key, double? missing = null) => Find(key) is { } value ? ToFloat(value, key) : missing ?? throw Missing(key, "a number");

    /// <summary>True or false.</summary>
    /// <inheritdoc cref="Int"/>
    public bool Bool(string key, bool? missing = null) => Find(key) is { } value ? ToBool(value, key) : missing ?? throw Missing(key, "true or false");

    /// <summary>A text.</summary>
    /// <inheritdoc cref="Int"/>
    public string String(string key, string? missing = null) => Find(key) is { } value ? ToText(value, key) : missing ?? throw Missing(key, "a string");

    /// <summary>A whole number, or null where the key is missing or null.</summary>
    /// <exception cref="PeaException">The value is something else.</exception>
    public int? OptionalInt(string key) => Find(key) is { } value ? ToInt(value, key) : null;

    /// <summary>A number, or null where the key is missing or null.</summary>
    /// <inheritdoc cref="OptionalInt"/>
    public double? OptionalFloat(string key) => Find(key) is { } value ? ToFloat(value, key) : null;

    /// <summary>A text, or null where the key is missing or null.</summary>
    /// <inheritdoc cref="OptionalInt"/>
    public string? OptionalString(string key) => Find(key) is { } value ? ToText(value, key) : null;

    /// <summary><paramref name="count"/> whole numbers: a list of that length, or one number for all.</summary>
    /// <exception cref="PeaException">The key is needed and missing, the list has another length, or a value is something else.</exception>
    public int[] IntList(string key, int count, int? missing = null) => PerBlock(key, count, missing, ToInt, "a whole number");

    /// <summary><paramref name="count"/> truth values: a list of that length, or one for all.</summary>
    /// <inheritdoc cref="IntList"/>
    public bool[] BoolList(string key, int count, bool? missing = null) => PerBlock(key, count, missing, ToBool, "true or false");

    /// <summary>A list of whole numbers of any length.</summary>
    /// <inheritdoc cref="Int"/>
    public int[] Ints(string key, int[]? missing = null) => List(key, ToInt) ?? missing ?? throw Missing(key, "a list of whole numbers");

    /// <summary>A list of numbers of any length.</summary>
    /// <inheritdoc cref="Int"/>
    public double[] Floats(string key, double[]? missing = null) => List(key, ToFloat) ?? missing ?? throw Missing(key, "a list of numbers");

    /// <summary>A list of texts of any length.</summary>
    /// <inheritdoc cref="Int"/>
    public string[] Strings(string key, string[]? missing = null) => List(key, ToText) ?? missing ?? throw Missing(key, "a list of strings");

    /// <summary>An object of texts as a dictionary.</summary>
    /// <exception cref="PeaException">The key is missing, or it is not an object of texts.</exception>
    public IReadOnlyDictionary<string, string> StringMap(string key)
    {
        var map = Object(key) ?? throw Missing(key, "an object of strings");
        var texts = new Dictionary<string, string>();
        foreach (var property in map.element.EnumerateObject()) texts[property.Name] = map.ToText(property.Value, property.Name);
        return texts;
    }

    /// <summary>An object inside this one, or null where the key is missing or null.</summary>
    /// <inheritdoc cref="OptionalInt"/>
    public JsonConfig? Object(string key)
    {
        if (Find(key) is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Object) throw Wrong(key, value, "an object");
        return new JsonConfig(Path, value, $"{place}{key}.");
    }

    /// <summary>A list of objects, empty where the key is missing or null.</summary>
    /// <inheritdoc cref="OptionalInt"/>
    public IReadOnlyList<JsonConfig> Objects(string key) => List(key, (value, item) => value.ValueKind == JsonValueKind.Object
        ? new JsonConfig(Path, value, $"{place}{item}.")
        : throw Wrong(item, value, "an object")) ?? [];

    /// <summary>The same object with another value for a key of its own, which it may lack.</summary>
    /// <param name="key">The key.</param>
    /// <param name="json">The value, well-formed JSON in UTF-8.</param>
    public JsonConfig With(string key, ReadOnlySpan<byte> json)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var property in element.EnumerateObject())
                if (property.Name != key) property.WriteTo(writer);
            writer.WritePropertyName(key);
            writer.WriteRawValue(json);
            writer.WriteEndObject();
        }
        using var document = JsonDocument.Parse(buffer.WrittenMemory);
        return new JsonConfig(Path, document.RootElement.Clone(), place);
    }

    /// <summary>Writes the object to a file.</summary>
    /// <exception cref="PeaException">It cannot be written.</exception>
    public void Save(string path) => AtomicFile.Write(path, stream =>
    {
        using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        element.WriteTo(writer);
    });

    /// <summary>The value as it stands, for shapes that the getters do not know; null where the key is missing or null.</summary>
    public JsonElement? Element(string key) => Find(key);

    /// <summary>An error about a key's value, for checks of the caller's: names file, key and value.</summary>
    public PeaException Wrong(string key, string expected) =>
        Find(key) is { } value ? Wrong(key, value, expected) : Missing(key, expected);

    JsonElement? Find(string key) => element.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    T[] PerBlock<T>(string key, int count, T? missing, Func<JsonElement, string, T> convert, string expected) where T : struct
    {
        var value = Find(key);
        if (value is { ValueKind: JsonValueKind.Array } list)
            return list.GetArrayLength() == count ? List(key, convert)! : throw Wrong(key, list, $"{expected}, or a list of {count}");
        var one = value is { } scalar ? convert(scalar, key) : missing ?? throw Missing(key, $"{expected}, or a list of {count}");
        return [.. Enumerable.Repeat(one, count)];
    }

    T[]? List<T>(string key, Func<JsonElement, string, T> convert)
    {
        if (Find(key) is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Array) throw Wrong(key, value, "a list");
        return [.. value.EnumerateArray().Select((item, i) => convert(item, $"{key}[{i}]"))];
    }

    int ToInt(JsonElement value, string key) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : throw Wrong(key, value, "a whole number of 32 bits");

    double ToFloat(JsonElement value, string key) => value.ValueKind switch
    {
        JsonValueKind.Number => value.GetDouble(),
        JsonValueKind.String when PythonJson.NonFinite(value.GetString()!) is { } number => number,
        _ => throw Wrong(key, value, "a number"),
    };

    bool ToBool(JsonElement value, string key) =>
        value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Wrong(key, value, "true or false");

    string ToText(JsonElement value, string key)
    {
        if (value.ValueKind != JsonValueKind.String) throw Wrong(key, value, "a string");
        return value.GetString()!;
    }

    /// <summary>Reads every key and string once, so that no later access meets one that is not Unicode.</summary>
    static void CheckTexts(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName) reader.GetString();
    }

    PeaException Missing(string key, string expected) => new($"{Path}: {place}{key} is missing, expected {expected}");

    PeaException Wrong(string key, JsonElement value, string expected) => new($"{Path}: {place}{key} is {Describe(value)}, expected {expected}");

    static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => $"a list of {value.GetArrayLength().ToString(CultureInfo.InvariantCulture)}",
        _ => Quoted.Of(value.GetRawText()),
    };
}
