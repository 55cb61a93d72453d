using System.Diagnostics;
using System.Text;
using PeaEngine.Diffusion.Tokenizers;

namespace PeaEngine.Tests.Tokenizers;

public class SentencePieceTests
{
    [Theory]
    [InlineData("a b", "▁ a ▁ b")]
    [InlineData("  a   b  ", "▁ a ▁ b")]
    [InlineData("ab", "▁ ab")]
    [InlineData("aab", "▁ a ab")] // -3 is more than -2 - 2 - 2
    [InlineData("xyz a", "▁ <unk> ▁ a")] // a run of what is unknown is one
    [InlineData("xaz", "▁ <unk> a <unk>")]
    [InlineData("   ", "")]
    [InlineData("▁a", "▁ ▁ a")]
    public void ATextIsCutWhereTheSumIsLargest(string text, string pieces) =>
        Assert.Equal(pieces, Encode(new SentencePieceFile().Add("▁", -2).Add("a", -2).Add("b", -2).Add("ab", -1), text));

    [Theory]
    [InlineData(3, "a ▁ b")]
    [InlineData(4, "▁ ▁ a ▁ ▁ b ▁")]
    [InlineData(5, "s a s b")]
    public void WhiteSpaceIsDealtWithAsTheFileSays(int field, string pieces)
    {
        var file = new SentencePieceFile().Add("▁", -2).Add("a", -2).Add("b", -2).Add(" ", -2).Normalizer(field, 0);
        Assert.Equal(pieces.Replace('s', ' '), Encode(file, " a  b "));
    }

    [Fact]
    public void WhiteSpaceMayBeASuffix() =>
        Assert.Equal("a▁ b▁", Encode(new SentencePieceFile().Add("a▁").Add("b▁").Trainer(24, 1), "a b"));

    [Fact]
    public void UserDefinedPiecesComeFirstAndUnusedOnesNever()
    {
        var unigram = new SentencePieceFile().Add("▁", -2).Add("a", -9).Add("b", -9).Add("abab", -1).Add("<x>", 0, SentencePieceFile.UserDefined).Add("ab", -1, SentencePieceFile.Unused);
        Assert.Equal("▁ a <x> b", Encode(unigram, "a<x>b"));
        Assert.Equal("▁ a b <x>", Encode(unigram, "ab<x>"));
        Assert.Equal("▁ abab", Encode(unigram, "abab"));
        // An unused piece of a byte-pair encoding is joined on the way and taken apart at the end.
        var bpe = new SentencePieceFile(bpe: true).Add("▁", -1).Add("a", -1).Add("b", -1).Add("ab", -2, SentencePieceFile.Unused).Add("abab", -3).Add("a<", -2).Add("<x>", 0, SentencePieceFile.UserDefined);
        Assert.Equal("▁ a <x> b", Encode(bpe, "a<x>b"));
        Assert.Equal("▁ a b <x> abab", Encode(bpe, "ab<x>abab"));
    }

    [Fact]
    public void PiecesAreJoinedByScoreFromTheLeft()
    {
        var file = new SentencePieceFile(bpe: true).Add("▁", -9).Add("a", -9).Add("b", -9).Add("aa", -2).Add("ab", -1).Add("aaab", -3);
        Assert.Equal("▁ aaab a", Encode(file, "aaaba"));
        Assert.Equal("▁ aa a", Encode(file, "aaa"));
        Assert.Equal("▁ <unk> a", Encode(file, "xya"));
    }

    [Fact]
    public void UnknownCharactersBecomeBytes()
    {
        Assert.Equal("▁ <0xC3> <0xA9> a <0x00>", Encode(new SentencePieceFile().Add("▁", -2).Add("a", -2).WithByteFallback(), "éa\0"));
        Assert.Equal("▁ <0xEF> <0xBF> <0xBD>", Encode(new SentencePieceFile(bpe: true).Add("▁").WithByteFallback(), "\uD800"));
    }

    [Fact]
    public void FamiliesPutTheirTokensAround()
    {
        using var folder = new TemporaryFolder();
        var file = new SentencePieceFile().Add("<s>", 0, SentencePieceFile.Control).Add("</s>", 0, SentencePieceFile.Control).Add("<pad>", 0, SentencePieceFile.Control).Add("▁a", -1);
        File.WriteAllBytes(folder.At("spiece.model"), file.ToBytes());
        Check("{}", [4, 0, 2, 3, 3], [1, 1, 1, 0, 0]);
        Check("""{"tokenizer_class":"MT5TokenizerFast","pad_token":{"content":"<s>"}}""", [4, 0, 2, 1, 1], [1, 1, 1, 0, 0]);
        Check("""{"tokenizer_class":"LlamaTokenizer"}""", [1, 4, 0, 0, 0], [1, 1, 1, 0, 0]);
        Check("""{"tokenizer_class":"LlamaTokenizer","add_bos_token":false,"add_eos_token":true,"pad_token":"<pad>"}""", [4, 0, 2, 3, 3], [1, 1, 1, 0, 0]);
        Check("""{"tokenizer_class":"XLMRobertaTokenizer"}""", [0, 5, 3, 2, 1], [1, 1, 1, 1, 0]);
        File.WriteAllText(folder.At("tokenizer_config.json"), """{"tokenizer_class":"NllbTokenizer"}""");
        Assert.Contains("spiece.model: a tokenizer of class 'NllbTokenizer', expected ", Assert.Throws<PeaException>(() => Tokenizer.Load(folder.Path)).Message, StringComparison.Ordinal);
        File.WriteAllText(folder.At("tokenizer_config.json"), """{"eos_token":"<end>"}""");
        Assert.Contains("spiece.model: no piece '<end>'", Assert.Throws<PeaException>(() => Tokenizer.Load(folder.Path)).Message, StringComparison.Ordinal);

        void Check(string config, int[] ids, byte[] mask)
        {
            File.WriteAllText(folder.At("tokenizer_config.json"), config);
            var encoded = Tokenizer.Load(folder.Path).Encode("ax", 5);
            Assert.Equal(ids, encoded.Ids);
            Assert.Equal(mask, encoded.Mask);
        }
    }

    [Theory]
    [InlineData(false, "a")]
    [InlineData(true, "a")]
    [InlineData(false, "é")]
    [InlineData(true, "ab")]
    [InlineData(true, " ")]
    [InlineData(false, "<x")]
    public void AMegabyteIsQuick(bool bpe, string unit)
    {
        var file = new SentencePieceFile(bpe).Add("▁", -2).Add("a", -2).Add("ab", -3).Add("aa", -2).Add("aaaa", -3).Add("aaaaaaaa", -4).Add("abab", -4, SentencePieceFile.Unused).Add("<x><y>", 0, SentencePieceFile.UserDefined).Normalizer(4, 0);
        var processor = Load(file.ToBytes());
        var text = string.Concat(Enumerable.Repeat(unit, 1_000_000 / Encoding.UTF8.GetByteCount(unit)));
        var watch = Stopwatch.StartNew();
        Assert.NotEmpty(processor.Encode(text));
        // Quadratic time would be hours.
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 60);
    }

    [Theory]
    [InlineData("", "no pieces")]
    [InlineData("0A", "a number does not end")]
    [InlineData("0A05", "5 bytes are announced where 0 are left")]
    [InlineData("0AFFFFFFFFFFFFFFFFFF01", "bytes are announced where 0 are left")]
    [InlineData("FFFFFFFFFFFFFFFFFFFFFF", "a number does not end")]
    [InlineData("00", "a field has the number 0")]
    [InlineData("0B", "a value has the wire type 3")]
    [InlineData("0800", "a value has the wire type 0, expected bytes")]
    [InlineData("0A00", "piece 0 has 0 bytes, expected 1 to 7999")]
    [InlineData("0A030A0161", "no piece stands for what is unknown")]
    [InlineData("0A080A0161150000C07F", "piece 0 has the score NaN")]
    [InlineData("0A050A01611809", "piece 0 is of type 9")]
    [InlineData("0A050A016118020A050A01621802", "pieces 0 and 1 both stand for what is unknown")]
    [InlineData("0A050A016118020A030A01620A030A0162", "piece 2, 'b', is there twice")]
    [InlineData("0A050A0161180212021803", "model_type 3, expected 1 (unigram) or 2 (BPE)")]
    [InlineData("0A050A016118021203980201", "byte_fallback without a piece <0x00>")]
    [InlineData("0A050A016118021A0412020100", "a normalizer of 2 bytes")]
    [InlineData("0A050A016118021A06120405000000", "a normalizer of 4 bytes")]
    public void AMalformedFileIsNamed(string hex, string message)
    {
        var error = Assert.Throws<PeaException>(() => Load(Convert.FromHexString(hex)));
        Assert.Contains(".model: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AReplacementThatDoesNotEndIsRefused()
    {
        // Units 0 to 97: the root leads by an offset of 0 to 'a', which leads by 96 to the leaf at 1, whose replacement begins at 0.
        var units = new uint[98];
        units['a'] = 'a' | 1u << 8 | 96u << 10;
        units[1] = 1u << 31;
        byte[] blob = [.. BitConverter.GetBytes(98 * 4), .. units.SelectMany(BitConverter.GetBytes), .. Encoding.UTF8.GetBytes("bb\0")];
        Assert.Equal("▁ b b", Encode(new SentencePieceFile().Add("▁").Add("a").Add("b").Charsmap(blob), "a"));
        byte[] endless = [.. blob[..^3], .. Encoding.UTF8.GetBytes(new string('b', 5000))];
        var processor = Load(new SentencePieceFile().Add("▁").Charsmap(endless).ToBytes());
        Assert.Contains("a normalizer's replacement of more than 1024 bytes", Assert.Throws<PeaException>(() => processor.Encode("a")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DamagedFilesAreRefusedOrRead()
    {
        var random = new Random(5);
        byte[] charsmap = [.. BitConverter.GetBytes(64), .. Enumerable.Range(0, 16).SelectMany(i => BitConverter.GetBytes(i * 0x01010107)), .. Encoding.UTF8.GetBytes("ab\0c\0")];
        byte[][] originals =
        [
            new SentencePieceFile().Add("▁", -2).Add("a", -2).Add("ab", -3).Charsmap(charsmap).ToBytes(),
            new SentencePieceFile(bpe: true).Add("▁", -2).Add("a", -2).Add("aa", -3).Add("ab", -4, SentencePieceFile.Unused).Add("<x>", 0, SentencePieceFile.UserDefined).WithByteFallback().ToBytes(),
        ];
        var text = string.Concat(Enumerable.Range(0, 200).Select(i => (char)i)) + "ab<x> aab é猫";
        foreach (var original in originals)
        {
            for (var round = 0; round < 500; round++)
            {
                byte[] damaged = [.. original];
                for (var k = random.Next(1, 5); k > 0; k--) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
                if (round % 3 == 0) damaged = damaged[..random.Next(damaged.Length)];
                try
                {
                    Assert.All(Load(damaged).Encode(text), id => Assert.InRange(id, 0, 300));
                }
                catch (PeaException error)
                {
                    Assert.Contains(".model: ", error.Message, StringComparison.Ordinal);
                }
            }
        }
    }

    static SentencePieceProcessor Load(byte[] bytes)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.At("a.model"), bytes);
        return SentencePieceProcessor.Load(folder.At("a.model"));
    }

    /// <summary>The pieces of a text, looked up in the file that was written.</summary>
    static string Encode(SentencePieceFile file, string text)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.At("a.model"), file.ToBytes());
        var pieces = SentencePieceModel.Read(folder.At("a.model")).Pieces;
        return string.Join(' ', SentencePieceProcessor.Load(folder.At("a.model")).Encode(text).Select(id => Encoding.UTF8.GetString(pieces[id].Text.Span)));
    }
}
