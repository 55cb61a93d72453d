using System.Text.Json;

namespace PeaEngine.Tests.Tokenizers;

/// <summary>The texts of a file of golden cases with what the reference makes of them.</summary>
sealed record TokenizerCases(string MadeBy, IReadOnlyList<JsonElement> Entries)
{
    /// <summary>Reads a list of cases, or an object that has them and says who made them.</summary>
    public static TokenizerCases Read(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        var root = document.RootElement.Clone();
        return root.ValueKind == JsonValueKind.Array
            ? new("", [.. root.EnumerateArray()])
            : new(root.TryGetProperty("made_by", out var by) ? by.GetString()! : "", [.. root.GetProperty("cases").EnumerateArray()]);
    }

    /// <summary>A case's text.</summary>
    public static string Text(JsonElement entry) => entry.GetProperty("text").GetString()!;

    /// <summary>A case's ids.</summary>
    public static int[] Ids(JsonElement entry, string name = "ids") => [.. entry.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];

    /// <summary>The folders of golden cases that have a file.</summary>
    public static TheoryData<string> FoldersWith(string file) => GoldenFolder.Cases("tokenizer", name => File.Exists(GoldenFolder.At("tokenizer", name, file)));
}
