using System.Text.Json;
using PeaEngine.Diffusion.Tokenizers;

namespace PeaEngine.Tests.Tokenizers;

/// <summary>SentencePiece's ids, and those that XLM-R and T5 make of them, text by text.</summary>
public class SentencePieceGoldenTests
{
    public static TheoryData<string> Folders() => GoldenFolder.Cases("tokenizer", name => ModelOf(name) != null);

    [Theory]
    [MemberData(nameof(Folders))]
    public void IdsAreSentencePieces(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var processor = SentencePieceProcessor.Load(ModelOf(name)!);
        foreach (var entry in Cases(name)) Assert.Equal(TokenizerCases.Ids(entry), processor.Encode(TokenizerCases.Text(entry)));
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void FamiliesOrderThemTheirWay(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var tokenizer = Tokenizer.Load(GoldenFolder.At("tokenizer", name));
        foreach (var entry in Cases(name))
        {
            var field = entry.TryGetProperty("xlmr_ids", out _) ? "xlmr_ids" : entry.TryGetProperty("t5_ids", out _) ? "t5_ids" : "ids";
            int[] expected = field == "ids" ? [1, .. TokenizerCases.Ids(entry)] : TokenizerCases.Ids(entry, field);
            Assert.Equal(expected, tokenizer.Encode(TokenizerCases.Text(entry), expected.Length).Ids);
            var pad = field == "xlmr_ids" ? 1 : 0;
            Assert.Equal([.. expected, pad, pad], tokenizer.Encode(TokenizerCases.Text(entry), expected.Length + 2).Ids);
        }
    }

    static IReadOnlyList<JsonElement> Cases(string name) => TokenizerCases.Read(GoldenFolder.At("tokenizer", name, "cases.json")).Entries;

    static string? ModelOf(string name) => Directory.EnumerateFiles(GoldenFolder.At("tokenizer", name), "*.model").FirstOrDefault();
}
