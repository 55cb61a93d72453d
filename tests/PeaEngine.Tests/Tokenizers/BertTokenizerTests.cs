using System.Diagnostics;
using System.Text;
using FsCheck.Xunit;
using PeaEngine.Diffusion.Tokenizers;

namespace PeaEngine.Tests.Tokenizers;

public class BertTokenizerTests
{
    static readonly string[] Vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##a", "ab", "##b", "猫", ".", "α", "##σ", "##ς", "σ", "[", "]", "mask", "B", "é", "e", "\U0002B820", "\U0002B920", "x", "##x"];

    [Theory]
    [InlineData("ab aba abba", "7 7 6 7 8 6")]
    [InlineData("abc", "1")] // no token for the c: the whole word is unknown
    [InlineData("a猫b.a", "5 9 1 10 5")]
    [InlineData("É \u200bA\u0000\u0301B\uFFFD", "20 7")]
    [InlineData("a\u2028a\u0085a\u00A0a", "5 5 6 5")]
    [InlineData("$^`~", "1 1 1 1")]
    [InlineData("", "")]
    public void BothDialectsAgree(string text, string ids)
    {
        foreach (var dialect in Enum.GetValues<BertDialect>()) Assert.Equal(ids, Tokenize(text, dialect));
    }

    [Theory]
    [InlineData("a[MASK]a", "5 4 5", "5 15 17 16 5")]
    [InlineData("a\uE000a", "5 6", "1")]
    [InlineData("xx\U0002B820x", "1", "23 24 21 23")]
    [InlineData("xx\U0002B920x", "23 24 22 23", "23 24 22 23")]
    [InlineData("ΑΣ ΑΣΣ Σ", "11 12 11 12 12 14", "11 13 11 12 13 14")]
    [InlineData("ΑΣ.ΑΣ'. ΑΣ.", "11 12 10 11 12 1 10 11 12 10", "11 12 10 11 13 1 10 11 13 10")]
    public void TheDialectsDiffer(string text, string transformers, string chineseClip)
    {
        Assert.Equal(transformers, Tokenize(text, BertDialect.Transformers));
        Assert.Equal(chineseClip, Tokenize(text, BertDialect.ChineseClip));
    }

    [Theory]
    [InlineData(BertDialect.Transformers, 100)]
    [InlineData(BertDialect.ChineseClip, 200)]
    public void ALongWordIsUnknown(BertDialect dialect, int longest)
    {
        Assert.Equal(longest, Tokenize(new string('x', longest), dialect).Split(' ').Length);
        Assert.Equal("1", Tokenize(new string('x', longest + 1), dialect));
    }

    [Fact]
    public void TheConfigurationIsKept()
    {
        const string cased = """{"do_lower_case":false,"model_max_length":12,"mask_token":{"content":"ab"}}""";
        Assert.Equal("1 18 19 5 7 5 15 17 16", Tokenize("A B é aaba[mask]", BertDialect.Transformers, cased));
        using var folder = Folder(cased);
        Assert.Equal(12, Tokenizer.Load(folder.Path).ModelMaxLength);
        using var endless = Folder("""{"model_max_length":1000000000000000019884624838656}""");
        Assert.Null(Tokenizer.Load(endless.Path).ModelMaxLength);
        using var wrong = Folder("""{"model_max_length":0.5}""");
        Assert.Contains("model_max_length is '0.5', expected 2 to ", Assert.Throws<PeaException>(() => Tokenizer.Load(wrong.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AMissingSpecialTokenIsNamed()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.At("vocab.txt"), "[UNK]\n[PAD]\n[CLS]\n");
        Assert.Contains("vocab.txt: no token '[SEP]'", Assert.Throws<PeaException>(() => Tokenizer.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Property]
    public void AnyTextGivesIdsOfTheVocabulary(string? text)
    {
        using var folder = Folder();
        foreach (var dialect in Enum.GetValues<BertDialect>())
            Assert.All(Tokenizer.Load(folder.Path, dialect).Encode(text + "ΣΣ", 40).Ids, id => Assert.InRange(id, 0, Vocabulary.Length - 1));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("\u0301\u0323")]
    [InlineData("Σ'.")]
    [InlineData("[MAS")]
    [InlineData("猫")]
    public void AMegabyteIsQuick(string unit)
    {
        using var folder = Folder();
        var text = string.Concat(Enumerable.Repeat(unit, 1_000_000 / Encoding.UTF8.GetByteCount(unit)));
        foreach (var dialect in Enum.GetValues<BertDialect>())
        {
            var watch = Stopwatch.StartNew();
            Tokenizer.Load(folder.Path, dialect).Encode(text, 77);
            // Quadratic time would be hours.
            Assert.InRange(watch.Elapsed.TotalSeconds, 0, 60);
        }
    }

    static TemporaryFolder Folder(string config = "{}")
    {
        var folder = new TemporaryFolder();
        File.WriteAllText(folder.At("vocab.txt"), string.Join('\n', Vocabulary) + "\n");
        File.WriteAllText(folder.At("tokenizer_config.json"), config);
        return folder;
    }

    static string Tokenize(string text, BertDialect dialect, string config = "{}")
    {
        using var folder = Folder(config);
        var (ids, mask) = Tokenizer.Load(folder.Path, dialect).Encode(text, 300);
        var count = mask.Count(value => value == 1);
        Assert.Equal((2, 3), (ids[0], ids[count - 1]));
        return string.Join(' ', ids[1..(count - 1)]);
    }
}
