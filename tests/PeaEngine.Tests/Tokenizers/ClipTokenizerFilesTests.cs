using PeaEngine.Diffusion.Tokenizers;

namespace PeaEngine.Tests.Tokenizers;

public class ClipTokenizerFilesTests
{
    const string Vocabulary = """{"a":0,"b":1,"a</w>":2,"b</w>":3,"ab</w>":4,"<|startoftext|>":5,"<|endoftext|>":6}""";
    const string Merges = "#version: 0.2\na b</w>\n";
    const string Single = """{"model":{"type":"BPE","vocab":{"a":0,"b":1,"a</w>":2,"b</w>":3,"ab</w>":4,"<|startoftext|>":5,"<|endoftext|>":6},"merges":["a b</w>"]}}""";

    [Fact]
    public void OnlyTheVocabularyIsNeeded()
    {
        var tokenizer = Load(("vocab.json", Vocabulary), ("merges.txt", Merges));
        Assert.Equal((77, 5, 6, 6, 7), (tokenizer.ModelMaxLength, tokenizer.BosTokenId, tokenizer.EosTokenId, tokenizer.PadTokenId, tokenizer.VocabularySize));
        Assert.Equal([4, 2, 6], tokenizer.Tokenize("AB a z"));
        Assert.Equal([4], Load(("vocab.json", Vocabulary), ("merges.txt", "#version: 0.2\r\na b</w>\r\n")).Tokenize("ab"));
        Assert.Equal([4], Load(("tokenizer.json", Single)).Tokenize("ab"));
    }

    [Fact]
    public void SpecialTokensMayBeObjects()
    {
        var tokenizer = Load(("tokenizer.json", Single), ("tokenizer_config.json",
            """{"model_max_length":1000000000000000019884624838656,"pad_token":{"__type":"AddedToken","content":"b"},"unk_token":null}"""));
        Assert.Equal((77, 1), (tokenizer.ModelMaxLength, tokenizer.PadTokenId));
    }

    [Fact]
    public void TheMapCountsOnlyWhereNoDecoderSaysMore()
    {
        const string map = """{"pad_token":"a"}""";
        Assert.Equal(0, Load(("tokenizer.json", Single), ("tokenizer_config.json", """{"pad_token":"b"}"""), ("special_tokens_map.json", map)).PadTokenId);
        Assert.Equal(1, Load(("tokenizer.json", Single), ("tokenizer_config.json", """{"pad_token":"b","added_tokens_decoder":{}}"""), ("special_tokens_map.json", map)).PadTokenId);
    }

    [Fact]
    public void AddedTokensGetTheirIds()
    {
        var tokenizer = Load(("tokenizer.json", Single), ("tokenizer_config.json",
            """{"added_tokens_decoder":{"6":{"content":"<|endoftext|>","normalized":true,"special":true},"9":{"content":"<Cat>"}}}"""));
        Assert.Equal(8, tokenizer.VocabularySize);
        // Both are looked for in the lower-cased text.
        Assert.Equal([2, 7, 6, 3], tokenizer.Tokenize("A<CAT><|ENDOFTEXT|>b"));
    }

    [Theory]
    [InlineData("vocab.json", "{\"a\":0", "vocab.json: ")]
    [InlineData("vocab.json", "[]", "vocab.json: the file is of kind Array, expected an object")]
    [InlineData("vocab.json", "{}", "vocab.json: an empty vocabulary")]
    [InlineData("vocab.json", "{\"a\":-1}", "vocab.json: token 'a' has the id -1, expected a whole number from 0")]
    [InlineData("vocab.json", "{\"a\":\"x\"}", "vocab.json: token 'a' has the id \"x\", expected a whole number from 0")]
    [InlineData("vocab.json", "{\"a\":1.5}", "vocab.json: token 'a' has the id 1.5, expected a whole number from 0")]
    [InlineData("vocab.json", "{\"\\ud800\":0}", "vocab.json: ")]
    [InlineData("merges.txt", "a b c", "merges.txt: merge 0 is 'a b c', expected two tokens with a space between them")]
    [InlineData("merges.txt", "ab", "merges.txt: merge 0 is 'ab', expected two tokens")]
    [InlineData("merges.txt", "a b", "merges.txt: merge 0, 'a b', needs a token 'ab', which the vocabulary lacks")]
    [InlineData("tokenizer_config.json", "{\"model_max_length\":1}", "tokenizer_config.json: model_max_length 1, expected 2 to ")]
    [InlineData("tokenizer_config.json", "{\"model_max_length\":\"77\"}", "tokenizer_config.json: model_max_length \"77\", expected 2 to ")]
    [InlineData("tokenizer_config.json", "{\"bos_token\":7}", "tokenizer_config.json: bos_token is of kind Number, expected a string")]
    [InlineData("tokenizer_config.json", "{\"added_tokens_decoder\":{\"0\":{\"content\":1}}}", "tokenizer_config.json: ")]
    [InlineData("special_tokens_map.json", "{\"eos_token\":{}}", "special_tokens_map.json: no 'content'")]
    [InlineData("tokenizer.json", "{}", "tokenizer.json: no 'model'")]
    [InlineData("tokenizer.json", "{\"model\":{\"type\":\"Unigram\"}}", "tokenizer.json: model type \"Unigram\", expected \"BPE\"")]
    [InlineData("tokenizer.json", "{\"model\":{\"vocab\":{\"a\":0},\"merges\":[[\"a\"]]}}", "tokenizer.json: merge 0 is [\"a\"], expected two tokens")]
    [InlineData("tokenizer.json", "{\"model\":{\"vocab\":[[\"a\",0]]}}", "tokenizer.json: model.vocab is of kind Array, expected an object")]
    public void AMalformedFileIsNamed(string name, string content, string message)
    {
        var files = new Dictionary<string, string> { ["vocab.json"] = Vocabulary, ["merges.txt"] = Merges, [name] = content };
        var error = Assert.Throws<PeaException>(() => Load([.. files.Select(file => (file.Key, file.Value))]));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void AFolderWithoutATokenizerIsNamed()
    {
        var error = Assert.Throws<PeaException>(() => Load(("vocab.json", Vocabulary)));
        Assert.Contains("no CLIP tokenizer, expected vocab.json and merges.txt, or tokenizer.json", error.Message, StringComparison.Ordinal);
        Assert.Throws<PeaException>(() => ClipTokenizer.Load("/nowhere/at/all"));
    }

    [Fact]
    public void DamagedFilesAreRefusedOrRead()
    {
        var random = new Random(1);
        for (var i = 0; i < 200; i++)
        {
            var damaged = Single.ToCharArray();
            for (var k = random.Next(1, 4); k > 0; k--) damaged[random.Next(damaged.Length)] = (char)random.Next(1, 127);
            try
            {
                Assert.All(Load(("tokenizer.json", new string(damaged))).Encode("ab a <|endoftext|> é"), id => Assert.True(id >= 0));
            }
            catch (PeaException error)
            {
                Assert.Contains("tokenizer.json", error.Message, StringComparison.Ordinal);
            }
        }
    }

    static ClipTokenizer Load(params (string Name, string Content)[] files)
    {
        using var folder = new TemporaryFolder();
        foreach (var (name, content) in files) File.WriteAllText(folder.At(name), content);
        return ClipTokenizer.Load(folder.Path);
    }
}
