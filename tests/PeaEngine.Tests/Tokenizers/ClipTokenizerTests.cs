using System.Diagnostics;
using System.Text;
using FsCheck;
using FsCheck.Xunit;
using PeaEngine.Diffusion.Tokenizers;

namespace PeaEngine.Tests.Tokenizers;

public class ClipTokenizerTests
{
    static readonly Lazy<ClipTokenizer> First = new(() => ClipTokenizer.Load(Teacher("tokenizer"))), Second = new(() => ClipTokenizer.Load(Teacher("tokenizer_2")));

    [Fact]
    public void PromptsArePaddedAndCut()
    {
        var tokenizer = First.Value;
        Assert.Equal((32, 3070, 3071, 3071, 3072), (tokenizer.ModelMaxLength, tokenizer.BosTokenId, tokenizer.EosTokenId, tokenizer.PadTokenId, tokenizer.VocabularySize));
        Assert.Equal((int[])[3070, 3071, .. Enumerable.Repeat(3071, 30)], tokenizer.Encode(""));
        var longPrompt = string.Join(' ', Enumerable.Repeat("cat", 100));
        var cat = Assert.Single(tokenizer.Tokenize("cat"));
        Assert.Equal((int[])[3070, .. Enumerable.Repeat(cat, 30), 3071], tokenizer.Encode(longPrompt));
    }

    [Fact]
    public void ALengthOfItsOwnIsPaddedAndMasked()
    {
        var cat = Assert.Single(First.Value.Tokenize("cat"));
        var (ids, mask) = First.Value.Encode("cat cat", 6);
        Assert.Equal([3070, cat, cat, 3071, 3071, 3071], ids);
        Assert.Equal([1, 1, 1, 1, 0, 0], mask);
        Assert.Equal([3070, cat, 3071], First.Value.Encode("cat cat", 3).Ids);
        Assert.Equal([3070, 3071], First.Value.Encode("cat cat", 2).Ids);
        Assert.Contains("a text of 1 tokens, expected at least 2", Assert.Throws<OptionException>(() => First.Value.Encode("cat", 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AStringThatPadsIsASpecialTokenInTheTextToo()
    {
        // '!' alone is token 0 and at a word's end token 256. The second tokenizer pads with '!', which makes it a special token that
        // is found before words are.
        Assert.Equal([.. First.Value.Tokenize("wow"), 256], First.Value.Tokenize("wow!"));
        Assert.Equal([.. First.Value.Tokenize("wow"), 0, 0], Second.Value.Tokenize("wow!!"));
        Assert.Equal(0, Second.Value.Encode("wow")[^1]);
    }

    [Theory]
    [InlineData("<|ENDOFTEXT|>!!", "<| endoftext |> !!")]
    [InlineData("!<|ENDOFTEXT|>", "!<| endoftext |>")]
    [InlineData("x'LLs", "x 'll s")]
    [InlineData("a.'s", "a .' s")]
    [InlineData("A\u00851\u3000\u20282", "a 1 2")]
    [InlineData("٣½Ⅷ", "٣ ½ ⅷ")]
    public void WordsAreSplitAsThePatternSays(string text, string words)
    {
        var found = new List<string>();
        var splitter = new ClipText.Words(ClipText.Normalize(text));
        while (splitter.Next(out var word)) found.Add(word.ToString());
        Assert.Equal(words.Split(' '), found);
    }

    [Theory]
    [InlineData("İΣς ẞ", "i̇σς ß")]
    [InlineData("\u212A\u212B\u2126", "kåω")]
    [InlineData(" \t\n x \u00A0\u2003", " x ")]
    [InlineData("𐐀\u00DE", "𐐨þ")]
    public void TextIsNormalized(string text, string expected) => Assert.Equal(expected, ClipText.Normalize(text));

    [Fact]
    public void HalfASurrogatePairIsReplaced() => Assert.Equal("é\ufffde\ufffd", ClipText.Normalize("e\u0301" + '\ud800' + "E" + '\udc00'));

    [Property]
    public void AnyStringGivesIdsOfTheVocabulary(string? text, char[] more)
    {
        foreach (var tokenizer in new[] { First.Value, Second.Value })
        {
            var ids = tokenizer.Encode(text + new string(more) + "<|endoftext|>");
            Assert.Equal(tokenizer.ModelMaxLength, ids.Length);
            Assert.All(ids, id => Assert.InRange(id, 0, tokenizer.VocabularySize - 1));
        }
    }

    [Fact]
    public void EveryCharacterGivesIdsOfTheVocabulary()
    {
        for (var plane = 0; plane <= 0x10; plane++)
        {
            var text = new StringBuilder();
            for (var point = plane << 16; point < (plane + 1) << 16; point += 7)
                if (Rune.IsValid(point)) text.Append(new Rune(point));
            Assert.All(First.Value.Tokenize(text.ToString()), id => Assert.InRange(id, 0, First.Value.VocabularySize - 1));
        }
    }

    [Theory]
    [InlineData("a")]
    [InlineData("\u0301\u0323")]
    [InlineData("<|")]
    [InlineData("가\u0300")]
    public void AVeryLongWordIsQuick(string unit)
    {
        _ = First.Value.Encode("warm");
        var text = string.Concat(Enumerable.Repeat(unit, 1_000_000 / unit.Length));
        var watch = Stopwatch.StartNew();
        Assert.NotEmpty(First.Value.Tokenize(text));
        // A quadratic merge of a million symbols takes hours.
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 30);
    }

    [Fact]
    public void MergesGoByRankFromTheLeft()
    {
        Dictionary<string, int> vocabulary = new() { ["a"] = 0, ["b"] = 1, ["a</w>"] = 2, ["aa"] = 3, ["ab"] = 4, ["aaab"] = 5, ["aaa</w>"] = 6, ["?"] = 7 };
        var encoding = new BytePairEncoding("merges", vocabulary, [("a", "b"), ("a", "a"), ("aa", "ab"), ("aa", "a</w>")], unknownId: 7);
        Assert.Equal([5, 2], Encode("aaaba"));
        Assert.Equal([6], Encode("aaa"));
        Assert.Equal([3, 0, 2], Encode("aaaa"));
        Assert.Equal([0, 7, 2], Encode("aza"));
        Assert.Equal([4, 7], Encode("abb"));
        Assert.Empty(Encode(""));

        List<int> Encode(string word)
        {
            var ids = new List<int>();
            encoding.Encode(word, ids, new());
            return ids;
        }
    }

    [Fact]
    public void AddedTokensAreFoundLongestFirst()
    {
        AddedToken plain = new("<x>"), longer = new("<x>y"), strip = new("[M]", LeftStrip: true, RightStrip: true), single = new("cat", SingleWord: true);
        var tokens = new AddedTokens([("<x>", plain, 1), ("<x>y", longer, 2), ("[M]", strip, 3), ("cat", single, 4)]);
        Assert.Equal([("a", -1), ("<x>", 1), ("<x>y", 2), (" b", -1), ("[M]", 3), ("c", -1)], tokens.Split("a<x><x>y b  [M] c"));
        Assert.Equal([("cat", 4), (" concat cats ", -1), ("cat", 4)], tokens.Split("cat concat cats cat"));
        Assert.Empty(tokens.Split(""));
    }

    static string Teacher(string name) => Path.Combine(Repository.Root, "samples", "emoji", "teacher", name);
}
