using System.Text;
using System.Text.Json;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>Reads a tokenizer's files; whatever is wrong with one is a <see cref="PeaException"/> that names it.</summary>
static class TokenizerJson
{
    const long LargestBytes = 1L << 28;

    /// <summary>Gives the file's top-level object to <paramref name="use"/>.</summary>
    public static void Read(string path, Action<JsonElement> use)
    {
        try
        {
            using var document = JsonDocument.Parse(ReadBytes(path));
            use(Object(path, "the file", document.RootElement));
        }
        // InvalidOperationException is what JsonElement throws for a value of another kind and for text that is not Unicode.
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new PeaException($"{path}: {error.Message} Expected a tokenizer's JSON.", error);
        }
    }

    /// <summary>The lines of a text file.</summary>
    public static IEnumerable<string> ReadLines(string path) => Encoding.UTF8.GetString(ReadBytes(path)).Split('\n').Select(line => line.TrimEnd('\r'));

    /// <summary>A member that must be there.</summary>
    public static JsonElement Get(string path, JsonElement element, string name) => element.TryGetProperty(name, out var value)
        ? value
        : throw new PeaException($"{path}: no '{name}'");

    /// <summary>The element, which must be an object.</summary>
    public static JsonElement Object(string path, string what, JsonElement element) => element.ValueKind == JsonValueKind.Object
        ? element
        : throw new PeaException($"{path}: {what} is of kind {element.ValueKind}, expected an object");

    /// <summary>The element, which must be an array.</summary>
    public static JsonElement Array(string path, string what, JsonElement element) => element.ValueKind == JsonValueKind.Array
        ? element
        : throw new PeaException($"{path}: {what} is of kind {element.ValueKind}, expected an array");

    /// <summary>A special token: a string, or an object with <c>content</c>; null where it is absent or null.</summary>
    public static string? Token(string path, JsonElement root, string name)
    {
        if (!root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        var text = value.ValueKind == JsonValueKind.Object ? Get(path, value, "content") : value;
        return text.ValueKind == JsonValueKind.String
            ? text.GetString()
            : throw new PeaException($"{path}: {name} is of kind {text.ValueKind}, expected a string or an object with 'content'");
    }

    /// <summary>A piece of a file for a message of one line: its beginning, what cannot be seen as question marks.</summary>
    public static string Quote(string text) =>
        string.Concat(text.Take(60).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c)) + (text.Length > 60 ? "…" : "");

    /// <summary>The bytes of a file that is no larger than a tokenizer can be.</summary>
    public static byte[] ReadBytes(string path)
    {
        try
        {
            if (new FileInfo(path).Length is > LargestBytes and var bytes) throw new PeaException($"{path}: {bytes} bytes, expected at most {LargestBytes}");
            return File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new PeaException($"{path}: cannot be read: {error.Message}", error);
        }
    }
}
