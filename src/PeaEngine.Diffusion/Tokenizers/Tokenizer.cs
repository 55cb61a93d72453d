namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>Recognises a tokenizer by the files that are in a folder.</summary>
public static class Tokenizer
{
    /// <summary>SentencePiece models and the classes that call them so.</summary>
    static readonly (string Name, string Family)[] SentencePieceModels =
        [("sentencepiece.bpe.model", "XLMRobertaTokenizer"), ("spiece.model", "T5Tokenizer"), ("tokenizer.model", "LlamaTokenizer")];

    /// <summary>
    /// Reads a folder's tokenizer: <c>sentencepiece.bpe.model</c> (XLM-R), <c>spiece.model</c> (T5), <c>tokenizer.model</c> (llama),
    /// <c>vocab.txt</c> (BERT), <c>vocab.json</c> with <c>merges.txt</c> (CLIP), else <c>tokenizer.json</c>. The class in
    /// <c>tokenizer_config.json</c>, where there is one, says more than a SentencePiece model's name.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="dialect">Whose way of BERT a <c>vocab.txt</c> is read.</param>
    /// <exception cref="PeaException">There is no tokenizer, or a file is malformed.</exception>
    public static ITokenizer Load(string folder, BertDialect dialect = BertDialect.Transformers)
    {
        foreach (var (name, family) in SentencePieceModels)
        {
            if (!Has(name)) continue;
            var config = TokenizerConfig.Read(folder);
            if (LoadSentencePiece(At(name), config, config.ClassName ?? family) is { } tokenizer) return tokenizer;
            if (!Has(TokenizersFile.FileName)) throw new PeaException($"{At(name)}: a tokenizer of class '{TokenizerJson.Quote(config.ClassName!)}', expected XLMRobertaTokenizer, T5Tokenizer, MT5Tokenizer or LlamaTokenizer");
            return TokenizersFile.Load(folder);
        }
        if (Has(BertTokenizer.FileName)) return BertTokenizer.Load(folder, dialect);
        if (Has("vocab.json") && Has("merges.txt")) return ClipTokenizer.Load(folder);
        if (Has(TokenizersFile.FileName)) return TokenizersFile.Load(folder);
        throw new PeaException($"{folder}: no tokenizer, expected {string.Join(", ", SentencePieceModels.Select(model => model.Name))}, vocab.txt, vocab.json and merges.txt, or tokenizer.json");

        string At(string name) => Path.Combine(folder, name);
        bool Has(string name) => File.Exists(At(name));
    }

    static SentencePieceTokenizer? LoadSentencePiece(string path, TokenizerConfig config, string className) => className switch
    {
        "XLMRobertaTokenizer" => SentencePieceTokenizer.XlmRoberta(path, config),
        "T5Tokenizer" or "MT5Tokenizer" => SentencePieceTokenizer.T5(path, config),
        "LlamaTokenizer" => SentencePieceTokenizer.Llama(path, config),
        _ => null,
    };
}
