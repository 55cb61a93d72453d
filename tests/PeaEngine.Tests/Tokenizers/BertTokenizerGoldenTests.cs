using PeaEngine.Diffusion.Tokenizers;

namespace PeaEngine.Tests.Tokenizers;

/// <summary>cn_clip's and transformers' ids over one vocabulary, text by text.</summary>
public class BertTokenizerGoldenTests
{
    public static TheoryData<string> Folders() => TokenizerCases.FoldersWith("vocab.txt");

    [Theory]
    [MemberData(nameof(Folders))]
    public void IdsAreChineseClips(string name)
    {
        if (GoldenFolder.IsAbsent(name) || Read(name, "cases.json") is not { } cases || !cases.MadeBy.Contains("cn_clip", StringComparison.Ordinal)) return;
        var tokenizer = Tokenizer.Load(GoldenFolder.At("tokenizer", name), BertDialect.ChineseClip);
        foreach (var entry in cases.Entries)
        {
            var expected = TokenizerCases.Ids(entry);
            var (ids, mask) = tokenizer.Encode(TokenizerCases.Text(entry), expected.Length);
            Assert.Equal(expected, ids);
            Assert.Equal(expected.Select(id => (byte)(id == 0 ? 0 : 1)), mask);
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void IdsAreTransformers(string name)
    {
        if (GoldenFolder.IsAbsent(name) || Read(name, "cases_transformers.json") is not { } cases) return;
        var tokenizer = Tokenizer.Load(GoldenFolder.At("tokenizer", name));
        foreach (var entry in cases.Entries)
        {
            var expected = TokenizerCases.Ids(entry);
            Assert.Equal(expected, tokenizer.Encode(TokenizerCases.Text(entry), expected.Length).Ids);
            var (ids, mask) = tokenizer.Encode(TokenizerCases.Text(entry), expected.Length + 1);
            Assert.Equal([.. expected, 0], ids);
            Assert.Equal((expected.Length, 0), (mask.Count(value => value == 1), mask[^1]));
        }
    }

    static TokenizerCases? Read(string name, string file)
    {
        var path = GoldenFolder.At("tokenizer", name, file);
        return File.Exists(path) ? TokenizerCases.Read(path) : null;
    }
}
