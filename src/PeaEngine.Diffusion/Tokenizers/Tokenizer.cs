namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>Recognises a tokenizer by the files that are in a folder.</summary>
public static class Tokenizer
{
    /// <summary>
    /// Reads a folder's tokenizer: <c>vocab.txt</c> (BERT), or <c>vocab.json</c> with <c>merges.txt</c> (CLIP).
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="dialect">Whose way of BERT a <c>vocab.txt</c> is read.</param>
    /// <exception cref="PeaException">There is no tokenizer, or a file is malformed.</exception>
    public static ITokenizer Load(string folder, BertDialect dialect = BertDialect.Transformers)
    {
        if (Has(BertTokenizer.FileName)) return BertTokenizer.Load(folder, dialect);
        if (Has("vocab.json") && Has("merges.txt")) return ClipTokenizer.Load(folder);
        throw new PeaException($"{folder}: no tokenizer, expected vocab.txt, or vocab.json and merges.txt");

        bool Has(string name) => File.Exists(Path.Combine(folder, name));
    }
}
