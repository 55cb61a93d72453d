using PeaEngine.Diffusion.Tokenizers;

namespace PeaEngine.Tests.Tokenizers;

public class TokenizerTests
{
    const string Words = """{"model":{"type":"WordPiece","vocab":{"[UNK]":0,"a":1}}}""";
    const string Merging = """{"model":{"type":"BPE","end_of_word_suffix":"</w>","vocab":{"a":0,"a</w>":1,"<|startoftext|>":2,"<|endoftext|>":3},"merges":[]}}""";

    [Fact]
    public void AFolderIsRecognisedByItsFiles()
    {
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<PeaException>(() => Tokenizer.Load(folder.Path));
        Assert.Contains("no tokenizer, expected sentencepiece.bpe.model, spiece.model, tokenizer.model, vocab.txt, vocab.json and merges.txt, or tokenizer.json", error.Message, StringComparison.Ordinal);
        File.WriteAllText(folder.At("tokenizer.json"), Words);
        Assert.Equal([1], Encode(1));
        File.WriteAllText(folder.At("tokenizer.json"), Merging);
        Assert.Equal([2, 1, 3], Encode(3));
        File.WriteAllText(folder.At("vocab.json"), """{"a":0,"a</w>":5,"<|startoftext|>":2,"<|endoftext|>":3}""");
        File.WriteAllText(folder.At("merges.txt"), "#version: 0.2\n");
        File.Delete(folder.At("tokenizer.json"));
        Assert.Equal([2, 5, 3], Encode(3));
        File.WriteAllText(folder.At("vocab.txt"), "[PAD]\n[UNK]\n[CLS]\n[SEP]\na");
        Assert.Equal([2, 4, 3], Encode(3));
        File.WriteAllBytes(folder.At("spiece.model"), new SentencePieceFile().Add("</s>", 0, SentencePieceFile.Control).Add("<pad>", 0, SentencePieceFile.Control).Add("▁a").ToBytes());
        Assert.Equal([3, 1, 2], Encode(3));
        // A class that is not known is read from tokenizer.json, where that is there.
        File.WriteAllText(folder.At("tokenizer_config.json"), """{"tokenizer_class":"PreTrainedTokenizerFast"}""");
        File.WriteAllText(folder.At("tokenizer.json"), Words);
        Assert.Equal([1], Encode(1));

        int[] Encode(int length) => Tokenizer.Load(folder.Path).Encode("a", length).Ids;
    }
}
