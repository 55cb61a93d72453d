using System.Text.Json;
using PeaEngine.Diffusion.Tokenizers;

namespace PeaEngine.Tests.Tokenizers;

/// <summary>The embedded vocabulary is OpenAI's, which the golden files have too.</summary>
public sealed class ClipVocabularyGoldenTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public static TheoryData<string> Cases => GoldenFolder.Cases("tokenizer", name => name == "clip");

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Cases))]
    public void WritesTheFilesOfTheReference(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;

        ClipVocabulary.Write(folder.Path, ClipVocabulary.End);

        Assert.Equal(File.ReadAllBytes(GoldenFolder.At("tokenizer", name, "merges.txt")), File.ReadAllBytes(folder.At("merges.txt")));
        Assert.Equal(Vocabulary(GoldenFolder.At("tokenizer", name, "vocab.json")), Vocabulary(folder.At("vocab.json")));
    }

    /// <summary>Without files the ids are the same as with them, whatever fills.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void EncodesAsTheFilesDo(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        const string Text = "A photo of a Köttbullar! 老虎头 🐯, 35mm";
        var embedded = ClipTokenizer.OpenAi("!");

        Assert.Equal(ClipTokenizer.Load(GoldenFolder.At("tokenizer", name)).Encode(Text), ClipTokenizer.OpenAi(ClipVocabulary.End).Encode(Text));
        ClipVocabulary.Write(folder.Path, "!");
        Assert.Equal(ClipTokenizer.Load(folder.Path).Encode(Text), embedded.Encode(Text));
        Assert.Equal((77, 0, 49408), (embedded.ModelMaxLength, embedded.PadTokenId, embedded.VocabularySize));
    }

    static Dictionary<string, int> Vocabulary(string path) => JsonSerializer.Deserialize<Dictionary<string, int>>(File.ReadAllBytes(path))!;
}
