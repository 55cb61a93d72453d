using System.Text.Json;
using PeaEngine.Diffusion.Tokenizers;

namespace PeaEngine.Tests.Tokenizers;

/// <summary>transformers' ids, text by text.</summary>
public class ClipTokenizerGoldenTests
{
    public static TheoryData<string> Folders() => GoldenFolder.Cases("tokenizer", name =>
    {
        var cases = GoldenFolder.At("tokenizer", name, "cases.json");
        return File.Exists(cases) && ReadCases(cases, out var madeBy).Count > 0 && madeBy.Contains("CLIPTokenizer", StringComparison.Ordinal);
    });

    [Theory]
    [MemberData(nameof(Folders))]
    public void IdsAreTransformers(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        Check(ClipTokenizer.Load(GoldenFolder.At("tokenizer", name)), GoldenFolder.At("tokenizer", name, "cases.json"));
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void TheOtherFileFormGivesTheSameIds(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var source = GoldenFolder.At("tokenizer", name);
        if (!File.Exists(Path.Combine(source, "merges.txt"))) return;
        using var folder = new TemporaryFolder();
        using (var vocabulary = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(source, "vocab.json"))))
        using (var file = File.Create(folder.At("tokenizer.json")))
        using (var writer = new Utf8JsonWriter(file))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("model");
            writer.WriteString("type", "BPE");
            writer.WritePropertyName("vocab");
            vocabulary.RootElement.WriteTo(writer);
            writer.WriteStartArray("merges");
            foreach (var line in File.ReadLines(Path.Combine(source, "merges.txt")).Skip(1))
            {
                writer.WriteStartArray();
                foreach (var token in line.Split(' ')) writer.WriteStringValue(token);
                writer.WriteEndArray();
            }
            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        File.Copy(Path.Combine(source, "tokenizer_config.json"), folder.At("tokenizer_config.json"));
        Check(ClipTokenizer.Load(folder.Path), Path.Combine(source, "cases.json"));
    }

    static void Check(ClipTokenizer tokenizer, string path)
    {
        foreach (var (text, ids, unpadded) in ReadCases(path, out _))
        {
            Assert.Equal(ids, tokenizer.Encode(text));
            Assert.Equal(unpadded, (int[])[tokenizer.BosTokenId, .. tokenizer.Tokenize(text), tokenizer.EosTokenId]);
        }
    }

    static List<(string Text, int[] Ids, int[] Unpadded)> ReadCases(string path, out string madeBy)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        madeBy = document.RootElement.TryGetProperty("made_by", out var by) ? by.GetString()! : "";
        return [.. document.RootElement.GetProperty("cases").EnumerateArray()
            .Where(entry => entry.TryGetProperty("unpadded", out _))
            .Select(entry => (entry.GetProperty("text").GetString()!, Ids(entry, "ids"), Ids(entry, "unpadded")))];

        static int[] Ids(JsonElement entry, string name) => [.. entry.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];
    }
}
