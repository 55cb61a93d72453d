using System.Diagnostics;
using PeaEngine.Diffusion.Tokenizers;

namespace PeaEngine.Tests.Tokenizers;

public class TokenizersFileTests
{
    const string Words = """{"type":"WordPiece","unk_token":"?","vocab":{"?":0,"a":1,"b":2,"##b":3,"▁a":4,"▁":5,"é":6,"e":7,"ab":8,"k":9,"Ġa":10,"Ã":11,"##©":12,"x":13,"<m>":14,"A":15,".":16,"##a":17}}""";

    [Theory]
    [InlineData("""{"type":"NFC"}""", "e\u0301", "6")]
    [InlineData("""{"type":"NFKC"}""", "\uFF41", "1")]
    [InlineData("""{"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"StripAccents"},{"type":"Lowercase"}]}""", "É", "7")]
    [InlineData("""{"type":"Sequence","normalizers":[{"type":"NFKD"},{"type":"Lowercase"}]}""", "\u212A", "9")]
    [InlineData("""{"type":"Replace","pattern":{"String":"x."},"content":"a"}""", "x.b", "8")]
    [InlineData("""{"type":"Replace","pattern":{"Regex":"x.*?y"},"content":"a"}""", "xzzyb", "8")]
    [InlineData("""{"type":"Sequence","normalizers":[{"type":"Strip","strip_left":true,"strip_right":false},{"type":"Prepend","prepend":"▁"}]}""", "  a", "4")]
    [InlineData("""{"type":"Strip"}""", " \n", "")]
    [InlineData("""{"type":"Prepend","prepend":"▁"}""", "", "")]
    [InlineData("""{"type":"BertNormalizer","lowercase":false,"strip_accents":true}""", "A\u0301\u0000", "15")]
    [InlineData("""{"type":"BertNormalizer","lowercase":true,"strip_accents":null}""", "É", "7")]
    public void NormalizersRewrite(string normalizer, string text, string ids) => Assert.Equal(ids, Encode(text, $$"""{"normalizer":{{normalizer}},"model":{{Words}}}"""));

    [Theory]
    [InlineData("""{"type":"WhitespaceSplit"}""", " a\u00A0ab\n", "1 8")]
    [InlineData("""{"type":"Whitespace"}""", "a.ab", "1 16 8")]
    [InlineData("""{"type":"BertPreTokenizer"}""", "a.b ab", "1 16 2 8")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","add_prefix_space":true}""", "a  a", "4 5 4")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"never","split":true}""", "a a", "1 4")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true}""", "a<m>a", "4 14 1")]
    [InlineData("""{"type":"Metaspace","prepend_scheme":"always"}""", "a<m>a", "4 14 4")]
    [InlineData("""{"type":"Metaspace","split":false}""", "a b", "0")]
    [InlineData("""{"type":"ByteLevel","add_prefix_space":true,"use_regex":true}""", "a\u00E9", "0")]
    [InlineData("""{"type":"ByteLevel","add_prefix_space":false}""", "\u00E9 a", "11 12 10")]
    [InlineData("""{"type":"Split","pattern":{"Regex":"[bx]"},"behavior":"Removed"}""", "abxab", "1 1")]
    [InlineData("""{"type":"Split","pattern":{"Regex":"[bx]"},"behavior":"Isolated"}""", "abxab", "1 2 13 1 2")]
    [InlineData("""{"type":"Split","pattern":{"Regex":"b"},"behavior":"MergedWithPrevious"}""", "abba", "8 2 1")]
    [InlineData("""{"type":"Split","pattern":{"String":"a"},"behavior":"MergedWithNext"}""", "abaab", "8 1 8")]
    [InlineData("""{"type":"Split","pattern":{"String":"b"},"behavior":"Contiguous"}""", "abba", "1 2 3 1")]
    [InlineData("""{"type":"Split","pattern":{"Regex":"[ab]+"},"behavior":"Removed","invert":true}""", "xabx", "8")]
    [InlineData("""{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Metaspace"}]}""", "a a", "4 4")]
    public void PreTokenizersCut(string preTokenizer, string text, string ids) =>
        Assert.Equal(ids, Encode(text, $$"""{"added_tokens":[{"id":14,"content":"<m>","normalized":false}],"pre_tokenizer":{{preTokenizer}},"model":{{Words}}}"""));

    [Fact]
    public void AddedTokensAreFoundRawOrNormalized()
    {
        const string file = $$"""{"added_tokens":[{"id":20,"content":"<M>","normalized":true},{"id":21,"content":"<R>","special":true},{"id":22,"content":"k","normalized":false,"lstrip":true,"single_word":true}],"normalizer":{"type":"Lowercase"},"pre_tokenizer":{"type":"WhitespaceSplit"},"model":{{Words}}}""";
        Assert.Equal("20 20 21 0 22 9 17", Encode("<m><M><R><r>  k ka", file));
    }

    [Theory]
    [InlineData("""{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"s","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"e","type_id":0}}],"special_tokens":{"s":{"ids":[5]},"e":{"ids":[6,7]}}}""", "5 1 6 7")]
    [InlineData("""{"type":"BertProcessing","sep":["e",6],"cls":["s",5]}""", "5 1 6")]
    [InlineData("""{"type":"RobertaProcessing","sep":["e",6],"cls":["s",5],"trim_offsets":true}""", "5 1 6")]
    [InlineData("""{"type":"ByteLevel"}""", "1")]
    [InlineData("""{"type":"Sequence","processors":[{"type":"ByteLevel"},{"type":"RobertaProcessing","sep":["e",6],"cls":["s",5]}]}""", "5 1 6")]
    public void PostProcessorsPutTokensAround(string processor, string ids)
    {
        using var folder = Folder($$"""{"post_processor":{{processor}},"model":{{Words}}}""");
        var (found, mask) = Tokenizer.Load(folder.Path).Encode("a", 8);
        Assert.Equal(ids, string.Join(' ', found.Where((_, i) => mask[i] == 1)));
    }

    [Fact]
    public void WhatFillsIsFound()
    {
        Assert.Equal(0, PadOf("{}"));
        Assert.Equal(14, PadOf("""{"pad_token":"<m>"}"""));
        Assert.Contains("no token 'none', which is what fills", Assert.Throws<PeaException>(() => PadOf("""{"pad_token":"none"}""")).Message, StringComparison.Ordinal);

        static int PadOf(string config)
        {
            using var folder = Folder($$"""{"model":{{Words}}}""", config);
            return Tokenizer.Load(folder.Path).Encode("", 1).Ids[0];
        }
    }

    [Fact]
    public void ModelsEncode()
    {
        const string unigram = """{"unk_id":0,"vocab":[["<unk>",0],["a",-2],["b",-2.5],["ab",-4],["aab",-7]]}""";
        Assert.Equal("3", Encode("ab", $$"""{"model":{{unigram}}}"""));
        Assert.Equal("1 3 0 1", Encode("aabxya", $$"""{"model":{{unigram}}}"""));
        const string pairs = """ "type":"BPE","unk_token":"?","vocab":{"?":0,"a":1,"b":2,"ab":3,"abb":4,"bbb":5},"merges":["a b",["ab","b"]]""";
        Assert.Equal("4 0 0 3 2 2 2", EncodePairs("abbxyab bbb", ""));
        Assert.Equal("4 0 3 2 2 2", EncodePairs("abbxyab bbb", ""","fuse_unk":true"""));
        Assert.Equal("4 0 0 3 5", EncodePairs("abbxyab bbb", ""","ignore_merges":true"""));

        static string EncodePairs(string text, string more) => Encode(text, $$"""{"pre_tokenizer":{"type":"WhitespaceSplit"},"model":{ {{pairs}}{{more}} } }""");
    }

    [Theory]
    [InlineData("""{}""", "model is missing")]
    [InlineData("""{"model":{"type":"WordLevel","vocab":{}}}""", "a model of type 'WordLevel', expected WordPiece, Unigram or BPE")]
    [InlineData("""{"normalizer":{"type":"Nmt"},"model":{}}""", "a normalizer of type 'Nmt', expected Sequence, ")]
    [InlineData("""{"normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},7]},"model":{}}""", "normalizer.normalizers[1] is '7', expected an object")]
    [InlineData("""{"normalizer":{"type":"Precompiled","precompiled_charsmap":"???"},"model":{}}""", "normalizer.precompiled_charsmap is '\"???\"', expected bytes in base 64")]
    [InlineData("""{"normalizer":{"type":"Replace","pattern":{"Regex":"("},"content":""},"model":{}}""", "the pattern '(' is no regular expression")]
    [InlineData("""{"pre_tokenizer":{"type":"Digits"},"model":MODEL}""", "a pre-tokenizer of type 'Digits', expected Sequence, ")]
    [InlineData("""{"pre_tokenizer":{"type":"Split","pattern":{"String":"a"},"behavior":"9"},"model":MODEL}""", "pre_tokenizer.behavior is '\"9\"', expected Removed, ")]
    [InlineData("""{"pre_tokenizer":{"type":"Metaspace","replacement":"ab"},"model":MODEL}""", "pre_tokenizer.replacement is '\"ab\"', expected one character")]
    [InlineData("""{"post_processor":{"type":"Odd"},"model":MODEL}""", "a post-processor of type 'Odd', expected TemplateProcessing, ")]
    [InlineData("""{"post_processor":{"type":"BertProcessing","cls":["a"]},"model":MODEL}""", "post_processor.cls is a list of 1, expected a token and its id")]
    [InlineData("""{"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"s"}}]},"model":MODEL}""", "post_processor.special_tokens is missing, expected the ids of 's'")]
    [InlineData("""{"post_processor":{"type":"TemplateProcessing","single":[]},"model":MODEL}""", "post_processor.single is a list of 0, expected special tokens around one sequence")]
    [InlineData("""{"added_tokens":[{"id":-1,"content":"a"}],"model":MODEL}""", "added_tokens[0].id is '-1', expected a whole number from 0")]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{"a":1}}}""", "no token '[UNK]' in model.vocab")]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{"a":-1}}}""", "token 'a' has the id -1")]
    [InlineData("""{"model":{"type":"Unigram","vocab":[["a",0]]}}""", "model.unk_id is missing")]
    [InlineData("""{"model":{"type":"Unigram","unk_id":1,"vocab":[["a",0]]}}""", "model.unk_id is '1', expected 0 to 0")]
    [InlineData("""{"model":{"type":"Unigram","unk_id":0,"vocab":[["a"]]}}""", "model.vocab[0] is [\"a\"], expected a token and its score")]
    [InlineData("""{"model":{"type":"Unigram","unk_id":0,"byte_fallback":true,"vocab":[["a",0]]}}""", "no token '<0x00>' in model.vocab")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":["a"]}}""", "model.merges[0] is \"a\", expected two tokens")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":["a a"]}}""", "needs a token 'aa', which the vocabulary lacks")]
    [InlineData("""{"model":{"type":"BPE","end_of_word_suffix":"@","vocab":{"a":0},"merges":[]}}""", "model.end_of_word_suffix is '\"@\"', expected none")]
    [InlineData("""{"model":{"type":"BPE","dropout":0.1,"vocab":{"a":0},"merges":[]}}""", "model.dropout is '0.1', expected none")]
    public void AMalformedFileIsNamed(string file, string message)
    {
        using var folder = Folder(file.Replace("MODEL", Words, StringComparison.Ordinal));
        var error = Assert.Throws<PeaException>(() => Tokenizer.Load(folder.Path));
        Assert.Contains("tokenizer.json: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void DamagedFilesAreRefusedOrRead()
    {
        const string file = $$"""{"added_tokens":[{"id":14,"content":"<m>","normalized":true}],"normalizer":{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Replace","pattern":{"Regex":" {2,}"},"content":"▁"}]},"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"},"post_processor":{"type":"BertProcessing","sep":["e",6],"cls":["s",5]},"model":{{Words}}}""";
        var random = new Random(3);
        for (var i = 0; i < 500; i++)
        {
            var damaged = file.ToCharArray();
            for (var k = random.Next(1, 4); k > 0; k--) damaged[random.Next(damaged.Length)] = (char)random.Next(1, 127);
            using var folder = Folder(new string(damaged));
            try
            {
                Assert.All(Tokenizer.Load(folder.Path).Encode("ab a <m>  é\uFF41", 20).Ids, id => Assert.True(id >= 0));
            }
            catch (PeaException error)
            {
                Assert.Contains("tokenizer.json", error.Message, StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData("""{"type":"Metaspace"}""", " ")]
    [InlineData("""{"type":"Split","pattern":{"Regex":"\\s"},"behavior":"Contiguous"}""", " ")]
    [InlineData("""{"type":"ByteLevel"}""", "a ")]
    [InlineData("""{"type":"WhitespaceSplit"}""", "a")]
    public void AMegabyteIsQuick(string preTokenizer, string unit)
    {
        using var folder = Folder($$"""{"normalizer":{"type":"NFKC"},"pre_tokenizer":{{preTokenizer}},"model":{{Words}}}""");
        var text = string.Concat(Enumerable.Repeat(unit, 1_000_000 / unit.Length)) + "\uFF41";
        var watch = Stopwatch.StartNew();
        Tokenizer.Load(folder.Path).Encode(text, 77);
        // Quadratic time would be hours.
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 60);
    }

    static TemporaryFolder Folder(string file, string config = "{}")
    {
        var folder = new TemporaryFolder();
        File.WriteAllText(folder.At("tokenizer.json"), file);
        File.WriteAllText(folder.At("tokenizer_config.json"), config);
        return folder;
    }

    static string Encode(string text, string file)
    {
        using var folder = Folder(file);
        var (ids, mask) = Tokenizer.Load(folder.Path).Encode(text, 64);
        return string.Join(' ', ids.Where((_, i) => mask[i] == 1));
    }
}
